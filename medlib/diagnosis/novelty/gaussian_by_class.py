"""Is each class Gaussian? An exact test of new images, where few directions make it fair.

With as many features as images no covariance can be known, and every law fails. In a few leading
directions it can, and then Hotelling's law is exact: what departs from it is not Gaussian.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

__all__ = ["hotelling_alarms", "leading_directions"]


def leading_directions(
    features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], *, count: int
) -> Float[np.ndarray, "d count"]:
    """The directions in which images of one class vary most: principal axes within classes.

    Args:
        features: of known images to learn from.
        labels: of each.
        count: how many, at most the smaller of d and n.

    Raises:
        ValueError: a count out of its range.

    Example:
        >>> f = np.array([[0.0, 0], [4, 0], [0, 1], [4, 1]])
        >>> np.abs(leading_directions(f, np.zeros(4, int), count=1)).round(6).ravel().tolist()
        [1.0, 0.0]
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    if not 1 <= count <= min(features.shape):
        raise ValueError(f"count={count}: between 1 and {min(features.shape)}")
    means = {c: features[labels == c].mean(axis=0) for c in np.unique(labels)}
    residuals = features - np.stack([means[c] for c in labels])
    return np.linalg.svd(residuals, full_matrices=False)[2][:count].T


def hotelling_alarms(
    learned: Float[np.ndarray, "n d"], new: Float[np.ndarray, "m d"], *, level: float
) -> Float[np.ndarray, " m"]:
    """1 where a new image of one class is farther than all but `level` of Gaussian ones, else 0.

    With mean and covariance (divisor n - 1) of the n learned images, a new one of the same Gaussian
    has n/(n+1) (f - m)ᵀ C⁻¹ (f - m) ~ d(n-1)/(n-d) F(d, n-d), exactly, for every n > d. For
    n → ∞ that is χ²_d.

    Args:
        learned: features of one class.
        new: features of other images of it.
        level: share of alarms if the class is Gaussian.

    Raises:
        ValueError: not more images than features, or a level outside (0, 1).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> few, many = rng.normal(size=(15, 5)), rng.normal(size=(4000, 5))
        >>> set(hotelling_alarms(few, many, level=0.5).tolist())
        {0.0, 1.0}

    Source: Hotelling (1931), doi:10.1214/aoms/1177732979; Anderson (2003), section 5.2.
    """
    learned, new = np.asarray(learned, dtype=float), np.asarray(new, dtype=float)
    n, d = learned.shape
    if n <= d or not 0 < level < 1:
        raise ValueError(f"{n} images of {d} features (more are needed), level={level:g} (0..1)")
    middle = learned.mean(axis=0)
    factor = np.linalg.cholesky(np.atleast_2d(np.cov(learned, rowvar=False)))
    squared = (np.linalg.solve(factor, (new - middle).T) ** 2).sum(axis=0) * n / (n + 1)
    return (squared > d * (n - 1) / (n - d) * scipy.stats.f.isf(level, d, n - d)).astype(float)
