"""What would hold if each class were Gaussian: squared distances follow χ² with d degrees."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

from medlib.diagnosis.novelty.gaussians import TiedGaussians, fit_gaussians

__all__ = [
    "chi_square_alarms",
    "chi_square_quantiles",
    "class_moments",
    "flagged_by_chi_square",
    "gaussian_stand_in",
    "own_distances",
]


def own_distances(
    gaussians: TiedGaussians, features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " _"]
) -> Float[np.ndarray, " n"]:
    """Each image's squared distance to its *own* class, which needs its label.

    The distance to the nearest class, which a gate uses, is never larger.

    Raises:
        ValueError: labels are not one an image, or name a class that was not fitted.
    """
    distances, labels = gaussians.distances(features), np.asarray(labels)
    if labels.shape != (len(distances),) or labels.max() >= distances.shape[1]:
        raise ValueError(
            f"labels of shape {labels.shape}, at most {labels.max()}; expected ({len(distances)},)"
            f" and 0..{distances.shape[1] - 1}"
        )
    return distances[np.arange(len(labels)), labels]


def chi_square_quantiles(
    squared: Float[np.ndarray, " n"], *, d: int
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return pairs for a Q-Q plot: the quantiles of χ²_d, and the distances in order.

    The i-th of n in order stands at probability (i - 1/2) / n. On the diagonal, Gaussian; above it,
    larger than Gaussians would be.

    Raises:
        ValueError: d < 1, or no distance.

    Example:
        >>> expected, found = chi_square_quantiles(np.array([5.0, 1.0]), d=2)
        >>> expected.round(2).tolist(), found.tolist()
        ([0.58, 2.77], [1.0, 5.0])
    """
    squared = np.sort(np.asarray(squared, dtype=float))
    if d < 1 or len(squared) == 0:
        raise ValueError(f"d={d} (>= 1), {len(squared)} distances (>= 1): one is out of range")
    places = (np.arange(len(squared)) + 0.5) / len(squared)
    return scipy.stats.chi2.ppf(places, d), squared


def chi_square_alarms(
    squared: Float[np.ndarray, " n"], *, d: int, level: float
) -> Float[np.ndarray, " n"]:
    """1 where a squared distance is larger than all but `level` of χ²_d, else 0.

    Of known images a share of `level` should be: if it is much more, χ² is not their distribution.

    Raises:
        ValueError: d < 1, or a level outside (0, 1).

    Example:
        >>> chi_square_alarms(np.array([3.0, 4.0]), d=1, level=0.05).tolist()
        [0.0, 1.0]
    """
    if d < 1 or not 0 < level < 1:
        raise ValueError(f"d={d} (>= 1), level={level:g} (0..1): one is out of range")
    return (np.asarray(squared) > scipy.stats.chi2.isf(level, d)).astype(float)


def class_moments(
    features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "classes d"], Float[np.ndarray, "classes d d"]]:
    """Return the mean and the covariance (divisor n - 1) of each class, not shrunk.

    Take many images that serve no other purpose: they stand for the truth of `gaussian_stand_in`,
    and a truth that is estimated from few images, or shrunk, is a milder one.

    Args:
        features: of known images.
        labels: of each, 0..classes-1; every class has two images or more.

    Raises:
        ValueError: a class has fewer than two images.

    Example:
        >>> f = np.array([[0.0, 0], [2, 0], [5, 1], [5, 3]])
        >>> means, covariances = class_moments(f, np.array([0, 0, 1, 1]))
        >>> means.tolist(), covariances[1].tolist()
        ([[1.0, 0.0], [5.0, 2.0]], [[0.0, 0.0], [0.0, 2.0]])
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    counts = np.bincount(labels)
    if counts.min() < 2:
        raise ValueError(f"class {int(counts.argmin())} has {counts.min()} image(s): two at least")
    of = [features[labels == c] for c in range(len(counts))]
    covariances = [np.atleast_2d(np.cov(each, rowvar=False)) for each in of]
    return np.stack([each.mean(axis=0) for each in of]), np.stack(covariances)


def gaussian_stand_in(
    means: Float[np.ndarray, "classes d"],
    covariances: Float[np.ndarray, "classes d d"],
    labels: Int[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "n d"]:
    """Features that *are* Gaussian: f_i = μ_{y_i} + C_{y_i}^{1/2} z_i, z_i standard normal.

    Fitted and judged like the real ones, they show what is due to few images and many features
    alone (with one covariance for all classes), and what to classes that do not share one (with
    their own). What the real ones do beyond that is not Gaussian.

    Args:
        means: μ_c.
        covariances: C_c, positive semidefinite; the same for all classes if they are to be tied.
        labels: the class of each feature vector to be drawn.
        rng: the source of randomness.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> gaussian_stand_in(np.zeros((1, 2)), np.eye(2)[None], np.zeros(7, int), rng=rng).shape
        (7, 2)
    """
    labels = np.asarray(labels)
    drawn = rng.standard_normal((len(labels), means.shape[1]))
    for c, covariance in enumerate(covariances):
        spread, axes = np.linalg.eigh(covariance)
        root = axes * np.sqrt(np.maximum(spread, 0.0))
        drawn[labels == c] = means[c] + drawn[labels == c] @ root.T
    return drawn


def flagged_by_chi_square(
    learned: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    new: Float[np.ndarray, "m d"],
    new_labels: Int[np.ndarray, " m"],
    *,
    level: float,
) -> Float[np.ndarray, " m"]:
    """1 where a new image lies beyond χ²'s threshold for its own class, after Ledoit and Wolf.

    Example:
        >>> f = np.random.default_rng(0).normal(size=(600, 2))
        >>> zeros = np.zeros(300, int)
        >>> found = flagged_by_chi_square(f[:300], zeros, f[300:], zeros, level=0.05)
        >>> bool(0.02 < found.mean() < 0.08)
        True
    """
    squared = own_distances(fit_gaussians(learned, labels), new, new_labels)
    return chi_square_alarms(squared, d=np.shape(learned)[1], level=level)
