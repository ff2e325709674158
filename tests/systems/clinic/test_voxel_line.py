"""The line is the logistic regression that it says, weighted as the network's loss is."""

import numpy as np
import pytest
import torch

from medlib.systems.clinic.voxel_features import NAMES
from medlib.systems.clinic.voxel_line import fit_voxel_line


def drawn(n, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, len(NAMES), generator=generator)
    p = torch.sigmoid(2 * x[:, 0] - 3 * x[:, 4] + 0.5)
    y = (torch.rand(n, generator=generator) < p).float()
    return x, y, torch.ones(n)


def test_it_finds_the_weights_that_made_the_labels():
    data = drawn(20_000, 0)
    line = fit_voxel_line(data, held=drawn(4000, 1))
    weights = (line.layers[0].weight[0] / line.spread).detach().numpy()
    assert weights[0] == pytest.approx(2, abs=0.15)
    assert weights[4] == pytest.approx(-3, abs=0.2)
    assert np.abs(np.delete(weights, [0, 4])).max() < 0.12
    assert not line.training


def test_voxels_count_by_their_weights():
    x, y, weights = drawn(5000, 2)
    doubled = (torch.cat([x, x[:1000]]), torch.cat([y, y[:1000]]), torch.ones(6000))
    weights[:1000] = 2
    one, other = (fit_voxel_line(each, held=drawn(500, 3)) for each in ((x, y, weights), doubled))
    found = [line.probabilities(x.numpy()) for line in (one, other)]
    assert np.abs(found[0] - found[1]).max() < 0.01
