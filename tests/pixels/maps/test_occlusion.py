"""Occlusion against Captum, and against a network whose answer is known."""

import pytest
import torch
from torch import nn

from medlib.pixels.maps.occlusion import occlusion_map


class Mean(nn.Module):
    """Two logits: the mean of the image's first pixel, and zero."""

    def forward(self, x):
        score = x[:, 0, 0, 0]
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def test_only_the_cell_that_matters_is_marked():
    image = torch.full((2, 1, 6, 4), 3.0)
    falls = occlusion_map(Mean(), image, baseline=torch.zeros(1), target=0, grid=2)
    expected = torch.sigmoid(torch.tensor(3.0)) - 0.5
    torch.testing.assert_close(falls[:, 0, 0], expected.expand(2))
    assert falls.flatten(1)[:, 1:].abs().max() == 0


def test_covering_the_other_class_evidence_raises_the_probability():
    image = torch.full((1, 1, 2, 2), 3.0)
    falls = occlusion_map(Mean(), image, baseline=torch.zeros(1), target=1, grid=2)
    assert falls[0, 0, 0] < -0.3


def test_equals_captum():
    attr = pytest.importorskip("captum.attr", reason="captum is a peer: pip install '.[peers]'")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    images, baseline = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    ours = occlusion_map(network, images, baseline=baseline, target=1, grid=4)
    peer = attr.Occlusion(lambda x: network(x).softmax(dim=1))
    theirs = peer.attribute(
        images, (3, 2, 2), strides=(3, 2, 2), target=1, baselines=baseline
    )[:, 0, ::2, ::2]  # fmt: skip
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_a_grid_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="do not divide into 3x3"):
        occlusion_map(Mean(), torch.zeros(1, 1, 8, 8), baseline=torch.zeros(1), target=0, grid=3)
