"""One sum in many orders: floating-point addition rounds each time, so the order shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float32, Shaped

__all__ = ["exact_sum", "orders_tried", "sum_in_order"]


def sum_in_order(numbers: Iterable[SupportsFloat]) -> np.float32:
    r"""Add one after the other, each time rounded to float32: :math:`(((a + b) + c) + \dots)`.

    Example:
        >>> big = np.float32(2**24)
        >>> float(sum_in_order([big, np.float32(1), -big])), float(sum_in_order([big, -big, 1]))
        (0.0, 1.0)
    """
    total = np.float32(0)
    for number in numbers:
        total = np.float32(total + np.float32(number))
    return total


def orders_tried(
    numbers: Shaped[np.ndarray, "*shape"], *, orders: int, rng: np.random.Generator
) -> Float32[np.ndarray, " orders"]:
    """The sum in so many random orders.

    Args:
        numbers: what is added: float32, one axis.
        orders: how many.
        rng: the source of randomness.

    Raises:
        ValueError: numbers of another kind, or no order at all.
    """
    if numbers.dtype != np.float32 or numbers.ndim != 1 or orders < 1:
        raise ValueError(
            f"give one row of float32 and at least one order, not {numbers.dtype}"
            f" {numbers.shape} and {orders}"
        )
    # accumulate adds strictly from left to right; sum would add in pairs
    return np.stack([np.add.accumulate(rng.permutation(numbers))[-1] for _ in range(orders)])


def exact_sum(numbers: Iterable[SupportsFloat]) -> float:
    """The sum as if nothing were rounded until the end, the same in every order.

    Example:
        >>> exact_sum([2.0**60, 1.0, -(2.0**60)])
        1.0

    Shewchuk 1997, doi:10.1007/PL00009321.
    """
    return math.fsum(float(number) for number in numbers)
