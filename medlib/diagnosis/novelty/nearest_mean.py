"""Euclid's distance to the nearest class mean: the score that knows no covariance."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

__all__ = ["nearest_mean_score"]


def nearest_mean_score(
    features: Float[np.ndarray, "n d"],
    *,
    known: Float[np.ndarray, "m d"],
    labels: Int[np.ndarray, " _"],
) -> Float[np.ndarray, " n"]:
    """E(f) = min_c |f - μ_c|², higher = more unusual.

    It is Mahalanobis's score with Σ = I; on features scaled each by its sd, with Σ diagonal.

    Args:
        features: to be judged.
        known: features of known images, from which the means come.
        labels: of those, 0..classes-1.

    Raises:
        ValueError: a class has no image, or the labels are not one an image.

    Example:
        >>> known, labels = np.array([[0.0, 0], [2, 0], [9, 9]]), np.array([0, 0, 1])
        >>> nearest_mean_score(np.array([[1.0, 2.0]]), known=known, labels=labels).tolist()
        [4.0]
    """
    known, labels = np.asarray(known, dtype=float), np.asarray(labels)
    if labels.shape != (len(known),):
        raise ValueError(f"{len(known)} known images, but labels of shape {labels.shape}")
    counts = np.bincount(labels)
    if (counts == 0).any():
        raise ValueError(f"class {int(np.argmin(counts))} of {len(counts)} has no image")
    means = np.stack([known[labels == c].mean(axis=0) for c in range(len(counts))])
    return cdist(np.asarray(features, dtype=float), means, "sqeuclidean").min(axis=1)
