"""Memory for a vector of words, laid where a processor reads and writes it soonest."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt32

__all__ = ["empty_words"]

_LINE = 64 // 4  # words of a line of the cache
_LARGE_PAGE = 2**21 // 4  # words of the 2 MiB that a system may hand out at once


def empty_words(n: int) -> UInt32[np.ndarray, " n"]:
    """Words that hold anything yet, from a line's border on, or from a large page's.

    Instructions that take a whole line at a time are slow where each reaches across two. And fresh
    memory comes page by page, a thousand small ones for a million words: NumPy asks for large ones
    from 4 MiB on, which one more than needed comes to, and a large one must be whole to be given.

    Example:
        >>> words = empty_words(3)
        >>> words.shape, words.ctypes.data % 64
        ((3,), 0)
    """
    border = _LINE if n < _LARGE_PAGE else _LARGE_PAGE
    room = np.empty(n + border, dtype=np.uint32)
    skipped = -(room.ctypes.data // room.itemsize) % border
    return room[skipped : skipped + n]
