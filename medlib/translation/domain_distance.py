"""How far one set of images lies from another, as a network sees them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["frechet_distance"]


def frechet_distance(
    first: Float[np.ndarray, "n channels"], second: Float[np.ndarray, "m other"]
) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to two sets of features.

    d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁^½ Σ₂ Σ₁^½)^½)

    With few rows the estimate is too large, most of all for many channels: compare only distances
    from equally many rows, and show the distance between two halves of one set beside them.

    Returns:
        d² >= 0, in squared units of the features; 0 = equal means and covariances.

    Raises:
        ValueError: fewer than 2 rows, or different channels.

    Example:
        >>> x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(frechet_distance(x, x + 3), 6)
        18.0

    Source: Dowson and Landau (1982), doi:10.1016/0047-259X(82)90077-X.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features have shapes {first.shape} and {second.shape}; expected (n, c) and (m, c)"
        )
    if min(len(first), len(second)) < 2:
        raise ValueError("a covariance needs at least 2 rows in each set")
    between = first.mean(0) - second.mean(0)
    # With X = U S Vᵀ and Σ = XᵀX, tr (Σ₁^½ Σ₂ Σ₁^½)^½ is the nuclear norm of X₁ X₂ᵀ: exact for any
    # rank, where a matrix square root of a rank-deficient product is not.
    x, y = _centred(first), _centred(second)
    overlap = np.linalg.norm(x @ y.T, ord="nuc")
    spread = (x**2).sum() + (y**2).sum() - 2 * overlap
    return float(between @ between + max(spread, 0.0))


def _centred(features: np.ndarray) -> np.ndarray:
    return (features - features.mean(0)) / np.sqrt(len(features) - 1)
