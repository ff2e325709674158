"""A first layer for grey images out of one for colour: the colour kernels are added up."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["one_channel_stem"]


@torch.no_grad()
def one_channel_stem(conv: nn.Conv2d) -> nn.Conv2d:
    """Return a copy of `conv` with one input channel and the same answer to a grey image.

    Σ_c w_c * x = (Σ_c w_c) * x, because convolution is linear and a grey image has the same x in
    every channel. Padding with zeros changes nothing in this. If each colour is normalised
    differently, the channels of a grey image are not equal, and neither are the answers.

    Raises:
        ValueError: a grouped convolution: its channels are not added up.

    Example:
        >>> conv = nn.Conv2d(3, 8, 3)
        >>> grey = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)
        >>> torch.allclose(one_channel_stem(conv)(grey), conv(grey.expand(1, 3, 8, 8)), atol=1e-6)
        True
    """
    if conv.groups != 1:
        raise ValueError(f"the convolution has {conv.groups} groups; expected 1")
    stem = copy.deepcopy(conv)
    stem.weight = nn.Parameter(conv.weight.sum(dim=1, keepdim=True))
    stem.in_channels = 1
    return stem
