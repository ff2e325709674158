"""The small network that hospitals train: three convolutions, each followed by a normalisation."""

from __future__ import annotations

import torch
from torch import nn

from medlib.nets.global_draws import global_draws_from

__all__ = ["site_network"]


def site_network(
    *, channels: int = 3, width: int = 8, norm: str = "batch", generator: torch.Generator
) -> nn.Module:
    """A classifier of small tiles into two, of any size from 4 pixels a side.

    Args:
        channels: of an image.
        width: maps of the first layer, a multiple of 4; the second and third have two and four
            times as many.
        norm: "batch", or "group": statistics of each image alone, so that none have to be sent.
            Averaged running variances leave out how far the hospitals' means lie apart, so that an
            averaged network of "batch" normalises by what no hospital's images have (Hsieh et al.
            2020, doi:10.48550/arXiv.1910.00189).
        generator: draws the first weights; on the CPU.

    Raises:
        ValueError: another normalisation, or a width that groups of four do not divide.

    Example:
        >>> net = site_network(generator=torch.Generator().manual_seed(0))
        >>> net(torch.zeros(2, 3, 48, 48)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([2, 2]), 6154)
    """
    if norm not in ("batch", "group") or width < 4 or width % 4:
        raise ValueError(f'norm is {norm!r} ("batch" or "group"), width is {width} (4, 8, 12, ...)')
    with global_draws_from(generator):
        layers: list[nn.Module] = []
        for before, after in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after) if norm == "batch" else nn.GroupNorm(4, after),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
        layers[-1] = nn.AdaptiveAvgPool2d(1)
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * width, 2))
