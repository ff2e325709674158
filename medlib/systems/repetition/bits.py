"""Two sets of numbers compared bit by bit, and one bit turned over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, Shaped

__all__ = [
    "bits_differing",
    "flip_bit",
    "relative_distance",
    "share_differing",
    "units_in_last_place",
]

_Numbers = Shaped[np.ndarray, "..."]  # float32; what is not is refused in words


def share_differing(one: _Numbers, other: _Numbers) -> float:
    """The share of numbers whose bits are not the same.

    Args:
        one, other: float32, in the same order. Two nan of the same bits are the same here, and
            zero and minus zero are not.

    Returns:
        0 (the same to the bit) to 1.

    Example:
        >>> share_differing(np.float32([1, 2]), np.float32([1, 2.0000002]))
        0.5
    """
    a, b = _as_integers(one, other)
    return float((a != b).mean())


def bits_differing(one: _Numbers, other: _Numbers) -> int:
    """How many bits of all numbers together are not the same.

    Example:
        >>> bits_differing(np.float32([1.0, 1.0]), np.float32([1.0, -1.0]))
        1
    """
    a, b = _as_integers(one, other)
    return int(np.bitwise_count(a ^ b).sum())


def units_in_last_place(one: _Numbers, other: _Numbers) -> Int64[np.ndarray, " n"]:
    """How many float32 numbers lie between each pair, plus one; 0 where they are equal.

    Example:
        >>> step = np.nextafter(np.float32(1), np.float32(2))
        >>> units_in_last_place(np.float32([1, 1]), np.float32([1, step])).tolist()
        [0, 1]

    Goldberg 1991, doi:10.1145/103162.103163.
    """
    a, b = (_ordered(each) for each in _as_integers(one, other))
    return np.abs(a - b)


def relative_distance(one: _Numbers, other: _Numbers) -> float:
    r"""How far apart two sets of numbers lie, :math:`\|b - a\| / \|a\|`, where bits say no more.

    Example:
        >>> relative_distance(np.float32([3, 4]), np.float32([3, 5]))
        0.2
    """
    _as_integers(one, other)  # of one kind and shape
    a, b = one.astype(np.float64), other.astype(np.float64)
    if not (length := float(np.linalg.norm(a))):
        raise ValueError("a distance relative to numbers that are all zero has no meaning")
    return float(np.linalg.norm(b - a)) / length


def flip_bit(
    array: Shaped[np.ndarray, "*shape"], *, place: int, bit: int = 0
) -> Shaped[np.ndarray, "*shape"]:
    """A copy of whole numbers in which one bit of one of them is turned over.

    Args:
        array: of integers, such as grey levels.
        place: which of them, counted through the whole array from 0.
        bit: 0 is the lowest: of a grey level, one level more or less.

    Raises:
        ValueError: not integers, or no such place or bit.

    Example:
        >>> flip_bit(np.uint8([[6, 7]]), place=1).tolist()
        [[6, 6]]
    """
    if array.dtype.kind not in "ui":
        raise ValueError(f"bits of {array.dtype} are not turned over here; give integers")
    if not 0 <= place < array.size or not 0 <= bit < 8 * array.dtype.itemsize:
        raise ValueError(
            f"there is no bit {bit} of place {place} in {array.size} numbers of {array.dtype}"
        )
    changed = np.array(array, order="C")  # a copy
    flat = changed.reshape(-1)
    flat[place] ^= np.array(1, dtype=array.dtype) << np.array(bit, dtype=array.dtype)
    return changed


def _as_integers(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    for each in (one, other):
        if each.dtype != np.float32:
            raise ValueError(f"numbers are {each.dtype}; bits are compared of float32")
    if one.shape != other.shape:
        raise ValueError(
            f"shapes {one.shape} and {other.shape} differ: what is compared with what?"
        )
    if not one.size:
        raise ValueError("there are no numbers to compare")
    return tuple(np.ascontiguousarray(each).view(np.uint32) for each in (one, other))


def _ordered(bits: np.ndarray) -> np.ndarray:
    """Integers in the order of the numbers that their bits stand for; both zeros are 0."""
    signed = bits.astype(np.int64)
    return np.where(signed >= 2**31, 2**31 - signed, signed)
