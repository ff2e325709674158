"""Tiles with the mean and spread of others' colours."""

import numpy as np
from jaxtyping import UInt8

__all__ = ["with_colours_of"]


def with_colours_of(
    images: UInt8[np.ndarray, "n size size 3"],
    others: UInt8[np.ndarray, "m side side 3"],
    *,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n size size 3"]:
    r"""Each tile with the mean and the standard deviation, colour by colour, of a random other.

    x' = (x - m) s'/s + m', cut to 0..255. A tile with almost no contrast (s below 1 grey level)
    is stretched as if s were 1. To judge a score on such tiles, hold them against *known* tiles
    that went through the same: the stretching itself leaves traces. How colours vary *together*
    stays a tile's own; `matched_greys` leaves nothing of a palette.

    Args:
        images: to be changed.
        others: whose colours they get.
        rng: draws which.

    >>> dark, pale = np.full((1, 4, 4, 3), 20, np.uint8), np.full((1, 4, 4, 3), 220, np.uint8)
    >>> int(with_colours_of(dark, pale, rng=np.random.default_rng(0)).mean())
    220
    """
    axes = (1, 2)
    taken = others[rng.integers(len(others), size=len(images))].astype(float)
    own = images.astype(float)
    mean, sd = (f(own, axis=axes, keepdims=True) for f in (np.mean, np.std))
    new_mean, new_sd = (f(taken, axis=axes, keepdims=True) for f in (np.mean, np.std))
    matched = (own - mean) / np.maximum(sd, 1.0) * new_sd + new_mean
    return np.clip(np.rint(matched), 0, 255).astype(np.uint8)
