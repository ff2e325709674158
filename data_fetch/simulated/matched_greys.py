"""Tiles in the greys of others: no colour, no brightness and no contrast is left to tell them by."""

import numpy as np
from jaxtyping import Float, UInt8

__all__ = ["with_greys_of"]

LUMA = np.array([0.299, 0.587, 0.114])  # of red, green and blue: BT.601


def with_greys_of(
    images: UInt8[np.ndarray, "n size size 3"],
    others: UInt8[np.ndarray, "m side side 3"],
    *,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n size size 3"]:
    """Each tile in grey, its pixels given, rank by rank, the grey levels of a random other.

    So the whole histogram is another's, and only the arrangement of pixels is a tile's own. Equal
    pixels are ranked by lot. To judge a score on such tiles, hold them against *known* tiles that
    went through the same.

    Args:
        images: to be changed.
        others: whose grey levels they get.
        rng: draws which, and ranks equal pixels.

    >>> left = np.zeros((1, 2, 2, 3), np.uint8)
    >>> left[:, :, 0] = 9
    >>> pale = np.full((1, 2, 2, 3), 200, np.uint8)
    >>> pale[:, 0] = 250
    >>> with_greys_of(left, pale, rng=np.random.default_rng(0))[0, ..., 0]
    array([[250, 200],
           [250, 200]], dtype=uint8)
    """
    found = np.empty(images.shape[:3])
    for i, (tile, other) in enumerate(
        zip(images @ LUMA, rng.integers(len(others), size=len(images)), strict=True)
    ):
        lot = rng.permutation(tile.size)
        ranks = np.empty(tile.size)
        ranks[np.lexsort([lot, tile.ravel()])] = np.arange(tile.size)
        found[i] = _at_ranks(ranks, (others[other] @ LUMA).ravel()).reshape(tile.shape)
    return np.repeat(np.rint(found).astype(np.uint8)[..., None], 3, axis=-1)


def _at_ranks(
    ranks: Float[np.ndarray, " n"], levels: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " n"]:
    """The levels at so many ranks, of as many pixels or of more or fewer."""
    share = (np.arange(len(levels)) + 0.5) / len(levels)
    return np.interp((ranks + 0.5) / len(ranks), share, np.sort(levels))
