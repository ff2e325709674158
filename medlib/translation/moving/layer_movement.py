"""How far each depth of a network has moved from where it started."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from torch import Tensor

from medlib.nets.depths import LAST_DEPTH, depth_of
from medlib.nets.efficientnet_lite import EfficientNetLite0

__all__ = ["movement_by_depth"]


def movement_by_depth(
    network: EfficientNetLite0, start: Mapping[str, Tensor]
) -> Float[np.ndarray, " depths"]:
    """Return each depth's relative movement, stem first, classifier last.

    m_l = |w_l - w_l⁰| / |w_l⁰|, with all parameters of depth l in one vector w_l.

    A move of a few per cent changes little at one depth and much at another: m_l says how far the
    weights went, not what came of it.

    Args:
        start: the ten depths' parameters before training, by name.

    Returns:
        (10,); 0 = did not move. NaN where the starting weights are all zero.

    Raises:
        ValueError: `start` lacks a parameter of the network.

    Example:
        >>> network = EfficientNetLite0(classes=2)
        >>> start = {name: p.detach() / 2 for name, p in network.named_parameters()}
        >>> movement_by_depth(network, start)[[0, 9]].round(4).tolist()
        [1.0, 1.0]
    """
    squares = np.zeros((2, LAST_DEPTH + 1))
    for name, now in network.named_parameters():
        if name not in start:
            raise ValueError(f"there is no starting value for {name!r}")
        then = start[name].detach().double()
        away = now.detach().double() - then
        squares[:, depth_of(name)] += float((away**2).sum()), float((then**2).sum())
    moved, size = np.sqrt(squares)
    return np.divide(moved, size, out=np.full(len(size), np.nan), where=size > 0)
