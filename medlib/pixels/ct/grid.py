"""Put slices of any size and spacing onto the square grid of a geometry."""

from __future__ import annotations

import numpy as np
from skimage.transform import rescale


def onto_grid(
    image: np.ndarray,
    *,
    spacing_mm: tuple[float, float],
    size: int,
    pixel_mm: float,
    outside: float = -1000.0,
) -> np.ndarray:
    """Resample a slice to square pixels and centre it on a grid, filling with air.

    Args:
        image: (height, width).
        spacing_mm: of its rows and columns.
        size: pixels along each side of the grid.
        pixel_mm: side of the grid's pixels.
        outside: value of what the slice does not cover, in the image's unit.

    Returns:
        (size, size), float32. Going coarser blurs first, so that nothing aliases.

    Raises:
        ValueError: if the slice does not fit: what is cut away would still cast its shadow.

    Example:
        >>> onto_grid(np.zeros((40, 40)), spacing_mm=(0.5, 0.5), size=16, pixel_mm=2.0)[3, :5]
        array([-1000., -1000., -1000.,     0.,     0.], dtype=float32)
    """
    factors = tuple(spacing / pixel_mm for spacing in spacing_mm)
    small = rescale(image.astype(np.float64), factors, mode="edge", anti_aliasing=min(factors) < 1)
    if max(small.shape) > size:
        extent = tuple(round(n * s) for n, s in zip(image.shape, spacing_mm, strict=True))
        raise ValueError(
            f"the slice covers {extent[0]} x {extent[1]} mm but the grid only "
            f"{size * pixel_mm:.0f} mm; use pixels of {max(extent) / size:.2f} mm or more"
        )
    grid = np.full((size, size), outside, dtype=np.float32)
    top, left = ((size - n) // 2 for n in small.shape)
    grid[top : top + small.shape[0], left : left + small.shape[1]] = small
    return grid


def block_means(images: np.ndarray, *, fold: int) -> np.ndarray:
    """What a coarser grid sees of finer images: the mean of each block of fold × fold pixels.

    Args:
        images: (..., fold * height, fold * width).
        fold: pixels along each side of a block.

    Returns:
        (..., height, width), of the same type.

    Raises:
        ValueError: the blocks do not fill the images.

    Example:
        >>> block_means(np.arange(16.0).reshape(4, 4), fold=2).tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    *batch, height, width = images.shape
    if fold < 1 or height % fold or width % fold:
        raise ValueError(f"blocks of {fold} x {fold} pixels do not fill {height} x {width}")
    blocks = images.reshape(*batch, height // fold, fold, width // fold, fold)
    return blocks.mean((-3, -1), dtype=images.dtype)
