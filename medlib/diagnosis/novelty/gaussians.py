"""Class-conditional Gaussians that share one covariance, and Mahalanobis's distance to the nearest.

The shared matrix is solved by its Cholesky factor and never inverted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cholesky, solve_triangular
from scipy.spatial.distance import cdist
from sklearn.covariance import ledoit_wolf, shrunk_covariance

__all__ = ["LEDOIT_WOLF", "TiedGaussians", "fit_gaussians", "mahalanobis_score"]

LEDOIT_WOLF = "Ledoit-Wolf"


@dataclass(frozen=True, eq=False)
class TiedGaussians:
    """One Gaussian a class, all with one covariance Σ = L Lᵀ.

    Attributes:
        means: μ_c, one row a class.
        factor: L, lower triangular.
        shrinkage: share of the spherical target in Σ, 0..1.
    """

    means: Float[np.ndarray, "classes d"]
    factor: Float[np.ndarray, "d d"]
    shrinkage: float

    def distances(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]:
        """Return (f - μ_c)ᵀ Σ⁻¹ (f - μ_c) for each class.

        With z = L⁻¹(f - μ_c) this is |z|². All rows and means are whitened once, L z = f.

        Raises:
            ValueError: another number of features than fitted.
        """
        features = np.asarray(features, dtype=float)
        if features.ndim != 2 or features.shape[1] != self.means.shape[1]:
            raise ValueError(
                f"features of shape {features.shape}; expected (n, {self.means.shape[1]})"
            )
        middle = self.means.mean(axis=0)
        rows, centres = (
            solve_triangular(self.factor, (x - middle).T, lower=True).T
            for x in (features, self.means)
        )
        return cdist(rows, centres, "sqeuclidean")


def fit_gaussians(
    features: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " _"],
    *,
    shrinkage: float | str = LEDOIT_WOLF,
) -> TiedGaussians:
    """Fit μ_c and one Σ = (1 - a) S + a (tr S / d) I, with S the mean square within classes.

    S = Σ_i (f_i - μ_{y_i})(f_i - μ_{y_i})ᵀ / n. Ledoit and Wolf's a makes the expected squared
    error of Σ least, and depends on n, d and the features alone; at a = 1 what is left is
    Euclid's distance, in other units.

    Args:
        features: of known images.
        labels: of each, 0..classes-1; every class occurs.
        shrinkage: a, 0..1, or "Ledoit-Wolf".

    Raises:
        ValueError: shapes do not match, a class is missing, a is out of range, or Σ has no
            Cholesky factor (more features than images need a > 0).

    Example:
        >>> f = np.array([[0.0, 0], [2, 0], [1, 1], [1, -1]])
        >>> one = fit_gaussians(f, np.zeros(4, int), shrinkage=0.0)
        >>> one.distances(np.array([[2.0, 1.0]])).round(6).tolist()
        [[4.0]]

    Source: Lee et al. (2018), doi:10.48550/arXiv.1807.03888; Ledoit and Wolf (2004),
    doi:10.1016/S0047-259X(03)00096-4.
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    if features.ndim != 2 or labels.shape != (len(features),) or len(features) < 2:
        raise ValueError(
            f"features of shape {features.shape} and labels of shape {labels.shape}; expected"
            " (n, d) and (n,), n >= 2"
        )
    classes = int(labels.max()) + 1
    counts = np.bincount(labels, minlength=classes)
    if (counts == 0).any():
        raise ValueError(f"class {int(np.argmin(counts))} of {classes} has no image")
    means = np.stack([features[labels == c].mean(axis=0) for c in range(classes)])
    covariance, amount = _covariance(features - means[labels], shrinkage)
    try:
        factor = cholesky(covariance, lower=True)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"the covariance of {features.shape[1]} features from {len(features)} images has no"
            f" Cholesky factor at shrinkage {amount:g}: take more, or {LEDOIT_WOLF!r}"
        ) from error
    return TiedGaussians(means, factor, float(amount))


def _covariance(
    residuals: Float[np.ndarray, "n d"], shrinkage: float | str
) -> tuple[Float[np.ndarray, "d d"], float]:
    if shrinkage == LEDOIT_WOLF:
        return ledoit_wolf(residuals, assume_centered=True)
    if isinstance(shrinkage, str) or not 0 <= shrinkage <= 1:
        raise ValueError(f"shrinkage is {shrinkage!r}; give a number 0..1, or {LEDOIT_WOLF!r}")
    plain = residuals.T @ residuals / len(residuals)
    return shrunk_covariance(plain, shrinkage=shrinkage), float(shrinkage)


def mahalanobis_score(
    gaussians: TiedGaussians, features: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    """M(f) = min_c (f - μ_c)ᵀ Σ⁻¹ (f - μ_c), higher = more unusual.

    Example:
        >>> f = np.array([[0.0, 0], [2, 0], [1, 1], [1, -1]])
        >>> one = fit_gaussians(f, np.zeros(4, int), shrinkage=0.0)
        >>> mahalanobis_score(one, np.array([[1.0, 0.0], [1.0, 2.0]])).round(6).tolist()
        [0.0, 8.0]

    Source: Lee et al. (2018), doi:10.48550/arXiv.1807.03888.
    """
    return gaussians.distances(features).min(axis=1)
