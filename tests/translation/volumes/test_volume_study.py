"""The study of volumes: one protocol for every reader, and a task that it can learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from medlib.translation.volumes.inflation import InflatedConv
from medlib.translation.volumes.volume_study import (
    fit_volumes,
    from_scratch,
    mean_of_slices,
    mean_of_stacks,
    score,
)
from tests.translation.volumes.spotted_patches import patches


def plane_network():
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).eval()  # fmt: skip


def test_fitting_repeats_learns_and_leaves_the_reader():
    learn, judge = patches(40, 0), patches(60, 1)
    reader = mean_of_slices(plane_network())
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    fits = [
        fit_volumes(reader, learn, judge, steps=5, batch_size=8,
                    generator=torch.Generator().manual_seed(0))
        for _ in range(2)
    ]  # fmt: skip
    assert fits[0].loss == fits[1].loss
    assert len(fits[0].loss) == 5
    assert fits[0].after.value > 0.9
    assert fits[0].after.low <= fits[0].after.value <= fits[0].after.high
    assert all(torch.equal(before[name], value) for name, value in reader.state_dict().items())
    scores = np.diff(score(fits[0].network, judge.volumes))[:, 0]
    assert fits[0].after.value == pytest.approx(roc_auc_score(judge.labels, scores))
    np.testing.assert_array_equal(fits[0].scores[1], scores)
    assert fits[0].before.value == pytest.approx(roc_auc_score(judge.labels, fits[0].scores[0]))
    # the statistics of the normalisation have not moved, its scale has
    norms = [m for m in fits[0].network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms[0].running_mean.abs().max() == 0
    assert not torch.equal(norms[0].weight, torch.ones(6))


def test_a_start_from_scratch_is_drawn_by_its_generator_and_normalised():
    volumes = patches(40, 0).volumes
    make = nn.Sequential(*list(plane_network())[:3])
    first, again, other = (
        from_scratch(make, volumes, depth=3, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert isinstance(first[0], InflatedConv)
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    with torch.no_grad():
        maps = first[1](first[0](volumes))
    torch.testing.assert_close(maps.mean(dim=(0, 2, 3, 4)), torch.zeros(6), atol=0.05, rtol=0)
    torch.testing.assert_close(maps.var(dim=(0, 2, 3, 4)), torch.ones(6), atol=0.05, rtol=0)
    assert not first.training


def test_a_stack_is_a_slice_between_its_neighbours():
    colours = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        colours.weight.copy_(torch.tensor([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1))
    plane_network = nn.Sequential(colours, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    values = torch.tensor([1.0, 2.0, 4.0, 7.0])
    volume = values.reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 6, 6)
    with torch.no_grad():
        got = mean_of_stacks(plane_network)(volume)
    assert float(got) == pytest.approx((421 + 742) / 2)
    with pytest.raises(ValueError, match="2 slices: a stack is made of 3"):
        mean_of_stacks(plane_network)(volume[:, :, :2])
