"""Small hospitals and a small network, for every test of the room."""

import pytest
import torch
from torch import nn

from medlib.systems.federation.site_training import Site


def site(seed, *, n=12):
    """Bright spots against none, and a scanner's gain; as many of either label."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.5 * torch.randn(n + 8, 1, 6, 6, generator=generator)
    labels = torch.arange(n + 8) % 2
    images[labels == 1, :, 2:4, 2:4] += 1.0
    images *= 1 + 0.2 * seed
    return Site(images[:n], labels[:n], images[n:], labels[n:])


@pytest.fixture
def sites():
    return {name: site(i, n=8 + 2 * i) for i, name in enumerate("ABCDE")}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)
    )
