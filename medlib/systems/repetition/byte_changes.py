"""One byte of a file changed for a while, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

__all__ = ["one_bit_changed", "random_place"]


@contextmanager
def one_bit_changed(path: Path, *, at: int, bit: int = 0) -> Iterator[None]:
    """Inside, one bit of one byte of a file is another; afterwards the file is as it was.

    Args:
        path: the file.
        at: which byte, from 0.
        bit: which of its bits, 0 (lowest) to 7.

    Raises:
        ValueError: the file has no such byte, or a byte no such bit.

    Example:
        >>> _ = Path("scan").write_bytes(b"AB")
        >>> with one_bit_changed(Path("scan"), at=1):
        ...     Path("scan").read_bytes()
        b'AC'
        >>> Path("scan").read_bytes()
        b'AB'
    """
    before = path.read_bytes()
    if not 0 <= at < len(before) or not 0 <= bit < 8:
        raise ValueError(f"{path.name} has {len(before)} bytes of 8 bits: no byte {at}, bit {bit}")
    changed = bytearray(before)
    changed[at] ^= 1 << bit
    try:
        path.write_bytes(bytes(changed))
        yield
    finally:
        path.write_bytes(before)


def random_place(paths: list[Path], *, rng: np.random.Generator) -> tuple[Path, int, int]:
    """A file, a byte of it and a bit of that; every byte of all files is as likely.

    Raises:
        ValueError: no file, or empty ones only.
    """
    sizes = [path.stat().st_size for path in paths]
    if not sum(sizes):
        raise ValueError("there is no byte to change: give files that are not empty")
    at = int(rng.integers(sum(sizes)))
    for path, size in zip(paths, sizes, strict=True):
        if at < size:
            return path, at, int(rng.integers(8))
        at -= size
    raise AssertionError("a place lies within the files")
