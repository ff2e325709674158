"""A first layer for grey images out of one for colour: the colour kernels are added up."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["one_channel_stem", "with_one_channel"]


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


def with_one_channel(network: nn.Module, *, layer: str) -> nn.Module:
    """Return a copy of `network` whose convolution named `layer` takes one channel.

    Raises:
        ValueError: there is no such layer, or it is no 2D convolution.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
        >>> with_one_channel(net, layer="0")(torch.zeros(1, 1, 5, 5)).shape
        torch.Size([1, 8, 3, 3])
    """
    network = copy.deepcopy(network)
    found = dict(network.named_modules()).get(layer)
    if not isinstance(found, nn.Conv2d):
        is_a = "not there" if found is None else f"a {type(found).__name__}"
        raise ValueError(f"layer {layer!r} is {is_a}; expected the name of a 2D convolution")
    parent, _, leaf = layer.rpartition(".")
    setattr(network.get_submodule(parent), leaf, one_channel_stem(found))
    return network
