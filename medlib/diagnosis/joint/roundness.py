"""The shape of what a network marks, as one number: one for a disc, less for a streak."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.ndimage import label

__all__ = ["roundness"]


def roundness(scores: Float[np.ndarray, "height width"], *, least: int = 12) -> float:
    """Short over long axis of the largest marked spot, as a ratio of variances.

    Args:
        scores: of each pixel, before the sigmoid; those from 0 on are marked.
        least: where fewer pixels are marked, the highest so many are.

    Returns:
        Above 0 and at most 1; higher = rounder. A pixel counts as a square, so that a line of one
        pixel's width has a width.

    Raises:
        ValueError: `least` is not 1 to the number of pixels.

    Example:
        >>> stripe = -np.ones((9, 9))
        >>> stripe[4, 1:8] = 1.0
        >>> round(roundness(stripe, least=1), 3)
        0.02
    """
    if not 1 <= least <= scores.size:
        raise ValueError(f"least = {least}; there are {scores.size} pixels")
    marked = scores >= min(0.0, np.sort(scores, axis=None)[-least])
    spots, _ = label(marked)
    largest = spots == 1 + np.argmax(np.bincount(spots.ravel())[1:])
    of_one_pixel = np.eye(2) / 12
    short, long = np.linalg.eigvalsh(np.cov(np.argwhere(largest).T, bias=True) + of_one_pixel)
    return float(short / long)
