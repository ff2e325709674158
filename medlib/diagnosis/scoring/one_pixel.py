"""What an error of given width does to the Dice of a disc: the same error, other sizes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["grown_dice", "shifted_dice", "shrunk_dice"]


def grown_dice(radius: Float[np.ndarray, " n"], *, by: float = 1.0) -> Float[np.ndarray, " n"]:
    """Dice of a disc of radius r + b and the true one of radius r: 2 r² / (r² + (r + b)²).

    Args:
        radius: of the true disc, above 0; in any unit.
        by: how much wider the other is on every side, in the same unit.

    Raises:
        ValueError: a radius is not positive, or `by` is negative.

    Example:
        >>> grown_dice(np.array([2.0, 8.0])).round(3)
        array([0.615, 0.883])
    """
    radius = _radius(radius, by)
    return 2 * radius**2 / (radius**2 + (radius + by) ** 2)


def shrunk_dice(radius: Float[np.ndarray, " n"], *, by: float = 1.0) -> Float[np.ndarray, " n"]:
    """Dice of a disc of radius r - b and the true one; zero where nothing is left.

    Args, Raises: as `grown_dice`.

    Example:
        >>> shrunk_dice(np.array([0.5, 2.0, 8.0])).round(3)
        array([0.   , 0.4  , 0.867])
    """
    radius = _radius(radius, by)
    inner = np.maximum(radius - by, 0)
    return 2 * inner**2 / (radius**2 + inner**2)


def shifted_dice(radius: Float[np.ndarray, " n"], *, by: float = 1.0) -> Float[np.ndarray, " n"]:
    """Dice of two equal discs whose centres lie b apart: the area of their lens over that of one.

    Args, Raises: as `grown_dice`.

    Example:
        >>> shifted_dice(np.array([0.4, 2.0, 8.0])).round(3)
        array([0.   , 0.685, 0.92 ])
    """
    radius = _radius(radius, by)
    half = np.clip(by / (2 * radius), 0, 1)
    return 2 / np.pi * (np.arccos(half) - half * np.sqrt(1 - half**2))


def _radius(radius: Float[np.ndarray, " n"], by: float) -> Float[np.ndarray, " n"]:
    radius = np.asarray(radius, dtype=float)
    if not (radius > 0).all() or by < 0:
        raise ValueError(f"radius = {radius} must be positive and by = {by} not negative")
    return radius
