"""Is each class Gaussian? An exact test of new images, where few directions make it fair.

With as many features as images no covariance can be known, and every law fails. In a few leading
directions it can, and then Hotelling's law is exact: what departs from it is not Gaussian. That few
alarms sound where many may is no proof of a Gaussian, so look at the shape as well.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

__all__ = ["hotelling_alarms", "leading_directions", "shapiro_by_direction"]


def leading_directions(
    features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], *, count: int
) -> Float[np.ndarray, "d count"]:
    """The directions in which images of one class vary most: principal axes within classes.

    They have looked for spread in these images. A law that is to be exact needs other images for
    the covariance along them, or it promises too much and flags too few.

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
    n → ∞ that is χ²_d. Exact it is only where the features do not depend on the learned images:
    directions that were fitted come from others.

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


def shapiro_by_direction(
    features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "classes d"]:
    """The p-value of Shapiro and Wilk's test of each class along each direction.

    Of Gaussian classes a share of α lies below α, whatever their means and covariances.

    Args:
        features: of images that had no part in finding the directions.
        labels: of each, 0..classes-1.

    Raises:
        ValueError: a class has fewer than three images.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> f = rng.normal(size=(300, 2))
        >>> f[:, 1] += rng.choice([-3.0, 3.0], 300)
        >>> (shapiro_by_direction(f, np.zeros(300, int)) < 0.001).tolist()
        [[False, True]]

    Source: Shapiro and Wilk (1965), doi:10.1093/biomet/52.3-4.591.
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    counts = np.bincount(labels)
    if counts.min() < 3:
        raise ValueError(
            f"class {int(counts.argmin())} has {counts.min()} image(s): three at least"
        )
    return np.array(
        [
            [scipy.stats.shapiro(column).pvalue for column in features[labels == c].T]
            for c in range(len(counts))
        ]
    )
