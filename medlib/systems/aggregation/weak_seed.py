"""The warning: a mask is no stronger than its seed, and a short seed is found by trying them all.

A simulation of our own. What the server holds is one update under one mask, as when a slow client
was counted as gone, so that its pairwise masks were opened, and its update came after all: only its
self-mask is left (see `collusion`). Here that mask comes from NumPy's legacy generator, which takes
a seed of 32 bits at most. A public thread on such a construction: flwrlabs/flower, issue 7522.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, UInt32

__all__ = ["Search", "first_words", "legacy_mask", "search", "seconds_for"]

_BATCH = 2**13  # seeds at a time: their state stays in a core's own cache
_INIT = np.uint32(1812433253)
_STATE, _SHIFT = 624, 397
_LOOK = 8  # words that are tried at once; few wrong seeds are left for the real generator


@dataclass(frozen=True)
class Search:
    """What trying all seeds came to.

    Attributes:
        seeds: every seed that fits, ascending; one, if enough words were looked at.
        tried: how many were tried, which is all.
        cpu_s: processor seconds that it took.
    """

    seeds: tuple[int, ...]
    tried: int
    cpu_s: float = field(compare=False)

    @property
    def per_second(self) -> float:
        """Seeds tried in a processor second."""
        return self.tried / self.cpu_s


def legacy_mask(seed: int, n: int) -> UInt32[np.ndarray, " n"]:
    """A mask of n words from NumPy's legacy generator, the Mersenne Twister.

    Raises:
        ValueError: a seed outside 0..2^32 - 1.

    Source: Matsumoto and Nishimura 1998, doi:10.1145/272991.272995.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}; the legacy generator takes 0..2^32-1, and that is all")
    legacy = np.random.RandomState(seed)
    return legacy.randint(0, 2**32, n, dtype=np.uint32)


def first_words(seeds: UInt32[np.ndarray, " seeds"], *, n: int) -> UInt32[np.ndarray, "n seeds"]:
    """The first n words that the legacy generator gives after each of many seeds.

    Of its 624 words of state, word k of output reads numbers k, k + 1 and k + 397: seeding is taken
    only so far, and for all seeds at once.

    Args:
        seeds: any.
        n: 1..227; from there on the generator reads what it wrote itself.

    Raises:
        ValueError: n outside 1..227.

    Example:
        >>> first_words(np.array([5], dtype=np.uint32), n=2)[:, 0] == legacy_mask(5, 2)
        array([ True,  True])
    """
    if not 1 <= n <= _STATE - _SHIFT:
        raise ValueError(f"n is {n}; it must lie in 1..{_STATE - _SHIFT}")
    state, shifted = seeds.copy(), np.empty_like(seeds)
    kept = {0: seeds}
    for i in range(1, _SHIFT + n):
        np.right_shift(state, np.uint32(30), out=shifted)
        np.bitwise_xor(state, shifted, out=state)
        np.multiply(state, _INIT, out=state)
        np.add(state, np.uint32(i), out=state)
        if i <= n or i >= _SHIFT:
            kept[i] = state.copy()
    words = np.empty((n, len(seeds)), dtype=np.uint32)
    for k in range(n):
        joined = (kept[k] & np.uint32(0x80000000)) | (kept[k + 1] & np.uint32(0x7FFFFFFF))
        odd = (joined & np.uint32(1)) * np.uint32(0x9908B0DF)
        word = kept[k + _SHIFT] ^ (joined >> np.uint32(1)) ^ odd
        word ^= word >> np.uint32(11)
        word ^= (word << np.uint32(7)) & np.uint32(0x9D2C5680)
        word ^= (word << np.uint32(15)) & np.uint32(0xEFC60000)
        words[k] = word ^ (word >> np.uint32(18))
    return words


def search(masked: UInt32[np.ndarray, " n"], *, bits: int, largest: int) -> Search:
    """Every seed of so many bits under whose mask an update could have been.

        fits  ⇔  |masked - mask(seed)| <= largest, in every word, read as signed

    All clients agreed on what the largest quantised value is, so the server knows it. Each word
    lets a wrong seed pass with chance (2 largest + 1) / 2^32: n words leave 2^bits times its n-th
    power of them.

    Args:
        masked: an update under one legacy mask.
        bits: seeds 0..2^bits - 1 are tried, 1..32.
        largest: of a quantised value, 0..2^31 - 1.

    Raises:
        ValueError: no words, or bits or largest out of range.

    Example:
        >>> update = np.array([3, 2**32 - 2, 7, 0], dtype=np.uint32)
        >>> search(update + legacy_mask(1234, 4), bits=11, largest=10).seeds
        (1234,)
    """
    if not (len(masked) and 1 <= bits <= 32 and 0 <= largest < 2**31):
        raise ValueError(
            f"{len(masked)} words, bits {bits}, largest {largest}; some words, 1..32, 0..2^31-1"
        )
    began = time.process_time()
    found = []
    for start in range(0, 2**bits, _BATCH):
        seeds = np.arange(start, min(start + _BATCH, 2**bits), dtype=np.uint32)
        masks = first_words(seeds, n=min(_LOOK, len(masked)))
        likely = seeds[_small(masked[:_LOOK, None] - masks, largest).all(axis=0)]
        found += [
            int(seed)
            for seed in likely
            if _small(masked - legacy_mask(int(seed), len(masked)), largest).all()
        ]
    return Search(tuple(found), 2**bits, time.process_time() - began)


def seconds_for(bits: int, *, per_second: float) -> float:
    """How long trying all seeds of so many bits takes at a measured speed.

    Example:
        >>> seconds_for(28, per_second=2.0**21), seconds_for(256, per_second=2.0**60) > 1e58
        (128.0, True)
    """
    if bits < 0 or per_second <= 0:
        raise ValueError(f"bits is {bits}, per_second {per_second}; at least 0, and above 0")
    return 2.0**bits / per_second


def _small(words: UInt32[np.ndarray, "*n"], largest: int) -> Bool[np.ndarray, "*n"]:
    """Whether each word, read as signed, is -largest..largest."""
    return words + np.uint32(largest) <= np.uint32(2 * largest)
