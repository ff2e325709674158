"""Discs of one size in place of outlines: they say where a thing is, and nothing of its shape."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

__all__ = ["discs"]


def discs(
    masks: Bool[np.ndarray, "n height width"], *, radius: float
) -> Bool[np.ndarray, "n height width"]:
    """A disc of one radius, in pixels, on the middle of what each mask marks.

    Args:
        masks: one an image; the middle is the mean place of the marked pixels.
        radius: of all discs; a pixel belongs to one if it lies nearer to the middle.

    Raises:
        ValueError: a mask marks nothing, or the radius is not above 0.

    Example:
        >>> line = np.zeros((1, 5, 5), dtype=bool)
        >>> line[0, 2, :] = True
        >>> discs(line, radius=1.5)[0].sum(axis=1).tolist()
        [0, 3, 3, 3, 0]
    """
    if not radius > 0:
        raise ValueError(f"radius = {radius} must be above 0")
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if len(empty):
        raise ValueError(f"mask {empty[0]} marks nothing: there is no middle to put a disc on")
    at = np.indices(masks.shape[1:])
    middles = [np.argwhere(mask).mean(axis=0)[:, None, None] for mask in masks]
    return np.stack([((at - middle) ** 2).sum(axis=0) < radius**2 for middle in middles])
