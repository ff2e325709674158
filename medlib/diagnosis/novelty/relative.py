"""Mahalanobis's distance to the nearest class, less that to all classes taken as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medlib.diagnosis.novelty.gaussians import (
    LEDOIT_WOLF,
    TiedGaussians,
    fit_gaussians,
    mahalanobis_score,
)

__all__ = ["RelativeMahalanobis", "fit_relative"]


@dataclass(frozen=True, eq=False)
class RelativeMahalanobis:
    """Gaussians of the classes, and the one of everything known."""

    by_class: TiedGaussians
    overall: TiedGaussians

    def __call__(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Return min_c M_c(f) - M_0(f), higher = more unusual."""
        return mahalanobis_score(self.by_class, features) - mahalanobis_score(
            self.overall, features
        )


def fit_relative(
    features: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    shrinkage: float | str = LEDOIT_WOLF,
) -> RelativeMahalanobis:
    """Fit both: M_c with the classes' means and the covariance within, M_0 with one of each.

    Directions in which all classes lie alike count in both distances and cancel; what is left are
    the directions that tell classes apart. Meant for *near* outliers. An image far from everything
    can have a larger M_0 than M_c, and then seems usual.

    Args:
        features: of known images.
        labels: of each, 0..classes-1.
        shrinkage: of both covariances, as for `fit_gaussians`.

    Example:
        >>> f = np.array([[0.0, 0], [0, 1], [4, 0], [4, 1], [1, 0], [5, 1]])
        >>> score = fit_relative(f, np.array([0, 0, 1, 1, 0, 1]))
        >>> between, at_home = score(np.array([[2.5, 0.5], [0.3, 0.3]]))
        >>> bool(between > at_home)
        True

    Source: Ren et al. (2021), doi:10.48550/arXiv.2106.09022.
    """
    together = np.zeros(len(features), dtype=int)
    return RelativeMahalanobis(
        fit_gaussians(features, labels, shrinkage=shrinkage),
        fit_gaussians(features, together, shrinkage=shrinkage),
    )
