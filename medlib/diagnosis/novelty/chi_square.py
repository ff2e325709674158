"""What would hold if each class were Gaussian: squared distances follow χ² with d degrees."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

from medlib.diagnosis.novelty.gaussians import TiedGaussians

__all__ = ["chi_square_alarms", "chi_square_quantiles", "gaussian_stand_in", "own_distances"]


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


def gaussian_stand_in(
    gaussians: TiedGaussians, labels: Int[np.ndarray, " n"], *, rng: np.random.Generator
) -> Float[np.ndarray, "n d"]:
    """Features that *are* Gaussian: f_i = μ_{y_i} + L z_i, z_i standard normal.

    Fitted and judged like the real ones, they show what is due to few images and many features
    alone; what the real ones do beyond that is not Gaussian.

    Args:
        gaussians: fitted on the real features.
        labels: the class of each feature vector to be drawn.
        rng: the source of randomness.

    Example:
        >>> from medlib.diagnosis.novelty.gaussians import fit_gaussians
        >>> rng = np.random.default_rng(0)
        >>> one = fit_gaussians(rng.normal(size=(50, 2)), np.zeros(50, int))
        >>> gaussian_stand_in(one, np.zeros(7, int), rng=rng).shape
        (7, 2)
    """
    labels = np.asarray(labels)
    noise = rng.standard_normal((len(labels), gaussians.means.shape[1]))
    return gaussians.means[labels] + noise @ gaussians.factor.T
