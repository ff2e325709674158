"""Few voxels are drawn and stand for all; the network finds what can be found."""

import numpy as np
import pytest
import torch

from medlib.systems.clinic.voxel_features import NAMES, voxel_features
from medlib.systems.clinic.voxel_network import VoxelNetwork, drawn_voxels, fit_voxel_network
from tests.systems.clinic.test_study_networks import heads


def featured(*args, **kinds):
    return [(voxel_features(volume), mask) for volume, mask in heads(*args, **kinds)]


def test_weights_stand_for_all_voxels():
    studies = heads(2, 0, lesion=True)
    drawn = ((voxel_features(volume), mask) for volume, mask in studies)
    x, y, weights = drawn_voxels(drawn, generator=torch.Generator().manual_seed(0))
    lesions = sum(mask.sum() for _, mask in studies)
    brain = sum((volume > 0).sum() for volume, _ in studies)
    assert int(y.sum()) == lesions
    assert float((weights * y).sum() / weights.sum()) == pytest.approx(lesions / brain, rel=0.02)
    assert x.shape == (len(y), voxel_features(studies[0][0]).shape[-1])


def test_it_finds_bright_blocks_and_repeats_itself():
    generator = torch.Generator().manual_seed(0)
    drawn, held = (
        drawn_voxels(featured(n, seed), generator=generator) for n, seed in ((6, 0), (4, 1))
    )
    found = [
        fit_voxel_network(drawn, held=held, steps=400, generator=torch.Generator().manual_seed(3))
        for _ in range(2)
    ]
    volume, mask = heads(1, 2, lesion=True)[0]
    p, again = (net.probabilities(voxel_features(volume)) for net in found)
    assert np.array_equal(p, again)
    assert p[mask].mean() > 0.8
    assert p[~mask].mean() < 0.05
    assert not found[0].training


def test_nothing_to_learn_is_told():
    with pytest.raises(ValueError, match="nothing to learn from"):
        drawn_voxels(featured(2, 0, lesion=False), generator=torch.Generator())


def test_few_voxels_are_asked_about_at_once_and_the_answers_are_the_same():
    """All at once, a process that reads study after study keeps much more than it was given."""
    network, rows = VoxelNetwork(), []
    network.layers.register_forward_hook(lambda _, given, found: rows.append(len(given[0])))
    features = np.random.default_rng(0).normal(size=(3, 80, 90, len(NAMES))).astype(np.float32)
    found = network.probabilities(features)
    assert max(rows) <= 16384
    assert sum(rows) == found.size == features[..., 0].size
    with torch.no_grad():
        whole = network(torch.from_numpy(features)).double().sigmoid().numpy()
    assert found.shape == whole.shape
    assert found == pytest.approx(whole, abs=1e-6)
