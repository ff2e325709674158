"""Does a masked update look like words drawn uniformly? Two tests that a leaking mask fails.

They can show that something is wrong, never that nothing is: a generator with a known seed passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Int, UInt32

__all__ = ["Uniformity", "bytes_uniform", "pairs_uniform"]

_LEAST_EXPECTED = 5  # of a cell, for the chi-square distribution to hold


@dataclass(frozen=True)
class Uniformity:
    """A chi-square test of uniformity.

    Attributes:
        statistic: Σ (observed - expected)² / expected; higher = further from uniform.
        degrees: of freedom.
        p: chance of so high a statistic from uniform words; itself uniform on 0..1 for those.
    """

    statistic: float
    degrees: int
    p: float


def bytes_uniform(words: UInt32[np.ndarray, " n"]) -> Uniformity:
    """Chi-square test of the four bytes of all words, each byte's place by itself.

    Args:
        words: at least 1,280, so that 5 of each value are expected at each place.

    Raises:
        ValueError: too few words.

    Example:
        >>> words = np.random.default_rng(0).integers(0, 2**32, 4000, dtype=np.uint32)
        >>> bytes_uniform(words).p > 0.001, bytes_uniform(words >> 1).p < 1e-6
        (True, True)

    Source: Knuth, The Art of Computer Programming 2, section 3.3.1.
    """
    places = words.astype("<u4").view(np.uint8).reshape(-1, 4)
    return _tested(np.stack([np.bincount(places[:, k], minlength=256) for k in range(4)]))


def pairs_uniform(words: UInt32[np.ndarray, " n"], *, bits: int = 4) -> Uniformity:
    """Serial test: are pairs of neighbouring words uniform in their highest bits, taken together?

    Pairs do not overlap: word 1 with 2, 3 with 4, ... A stream whose words are each uniform but
    follow from one another fails here.

    Args:
        words: at least 10 × 4^bits.
        bits: of each word, 1..8.

    Raises:
        ValueError: too few words, or bits outside 1..8.

    Example:
        >>> words = np.random.default_rng(0).integers(0, 2**32, 4000, dtype=np.uint32)
        >>> pairs_uniform(words).p > 0.001, pairs_uniform(words.repeat(2)).p < 1e-6
        (True, True)

    Source: Knuth, The Art of Computer Programming 2, section 3.3.2 B.
    """
    if not 1 <= bits <= 8:
        raise ValueError(f"bits is {bits}; it must lie in 1..8")
    high = (words >> np.uint32(32 - bits)).astype(np.int64)
    pairs = high[: len(high) // 2 * 2].reshape(-1, 2)
    return _tested(np.bincount((pairs[:, 0] << bits) + pairs[:, 1], minlength=4**bits)[None])


def _tested(counts: Int[np.ndarray, "tables cells"]) -> Uniformity:
    """Of tables of counts, each against equal shares of its own sum."""
    tables, cells = counts.shape
    expected = counts.sum(axis=1, keepdims=True) / cells
    if expected.min() < _LEAST_EXPECTED:
        raise ValueError(
            f"{expected.min():.1f} are expected in each of {cells} cells; at least "
            f"{_LEAST_EXPECTED} are needed, so {_LEAST_EXPECTED * cells} draws"
        )
    statistic = float(((counts - expected) ** 2 / expected).sum())
    degrees = tables * (cells - 1)
    return Uniformity(statistic, degrees, float(scipy.stats.chi2.sf(statistic, degrees)))
