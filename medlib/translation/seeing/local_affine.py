"""Is one image, window by window, another one with its scale and zero changed: y = a·x + b?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter

__all__ = ["LocalAffine", "local_affine"]


@dataclass(frozen=True, eq=False)
class LocalAffine:
    """The least-squares line y ≈ a x + b in the window around each pixel.

    Args:
        slope: a, in units of y per unit of x; 0 where x does not vary in the window.
        offset: b, in units of y.
        r2: share of y's variance in the window that the line explains, 0..1; 0 where x or y does
            not vary.
    """

    slope: Float[np.ndarray, "height width"]
    offset: Float[np.ndarray, "height width"]
    r2: Float[np.ndarray, "height width"]


def local_affine(
    x: Float[np.ndarray, "height width"],
    y: Float[np.ndarray, "rows columns"],
    *,
    window_px: int,
    floor: float = 1e-12,
) -> LocalAffine:
    """Fit y = a x + b in the window around each pixel.

        a = cov(x, y) / var(x),   b = mean(y) - a mean(x),   r² = cov² / (var(x) var(y))

    Args:
        x, y: two images of the same place on the same pixels.
        window_px: odd side of the window, at least 3; at the edge the image is mirrored.
        floor: a variance below this share of the image's own counts as none.

    Raises:
        ValueError: images of different shapes, or a window that is even or too small.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(9, 9))
        >>> fit = local_affine(x, -3 * x + 7, window_px=5)
        >>> float(fit.slope[4, 4].round(6)), float(fit.offset[4, 4].round(6))
        (-3.0, 7.0)
    """
    if x.shape != y.shape:
        raise ValueError(f"images have shapes {x.shape} and {y.shape}; expected equal ones")
    if window_px < 3 or window_px % 2 == 0:
        raise ValueError(f"window_px={window_px}; expected an odd number from 3")
    # far from zero, mean(x²) - mean(x)² would lose its digits
    middle = x.mean(), y.mean()
    x, y = x - middle[0], y - middle[1]
    mean_x, mean_y = _mean(x, window_px), _mean(y, window_px)
    var_x = np.maximum(_mean(x * x, window_px) - mean_x**2, 0.0)
    var_y = np.maximum(_mean(y * y, window_px) - mean_y**2, 0.0)
    cov = _mean(x * y, window_px) - mean_x * mean_y
    some_x, some_y = var_x > floor * x.var(), var_y > floor * y.var()
    slope = np.where(some_x, cov / np.where(some_x, var_x, 1.0), 0.0)
    offset = mean_y + middle[1] - slope * (mean_x + middle[0])
    both = some_x & some_y
    r2 = np.where(both, cov**2 / np.where(both, var_x * var_y, 1.0), 0.0)
    return LocalAffine(slope, offset, np.clip(r2, 0.0, 1.0))


def _mean(values: np.ndarray, window_px: int) -> np.ndarray:
    return uniform_filter(values, window_px, mode="mirror")
