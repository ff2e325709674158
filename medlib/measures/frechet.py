"""Fréchet distance between two sets of vectors: do they look alike as a crowd?

Each set becomes a normal distribution; the distance is between the two. No pairs are needed. What
the vectors are is for the caller to say: colours and textures of images, or a network's features.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["frechet_distance"]


def frechet_distance(
    first: Float[Tensor, "n features"] | Float[np.ndarray, "n features"],
    second: Float[Tensor, "m others"] | Float[np.ndarray, "m others"],
) -> float:
    """Squared Fréchet distance of the normal distributions fitted to two sets of vectors.

    d² = |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½), with sample means μ and covariances Σ.

    With few rows the estimate is too large, most of all for many features: compare only distances
    from equally many rows, and show the distance between two halves of one set beside them.

    Args:
        first: one row an item.
        second: one row an item; the same features in the same units.

    Returns:
        d² >= 0, in feature units squared; 0 = equal means and covariances, higher = more unlike.

    Raises:
        ValueError: if a set has fewer than two items, or the features differ in number.

    Example:
        >>> x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> round(frechet_distance(x, x + torch.tensor([3.0, 4.0])), 4)
        25.0

    Source: Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X; as a measure of generated
    images: Heusel et al. 2017, doi:10.48550/arXiv.1706.08500.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features have shapes {tuple(first.shape)} and {tuple(second.shape)}; expected "
            "(n, features) and (m, features)"
        )
    if min(len(first), len(second)) < 2:
        raise ValueError("a covariance needs at least 2 rows in each set")
    few = min(len(first), len(second)) < first.shape[1]
    return _by_rows(first, second) if few else _by_covariances(first, second)


def _by_rows(first, second) -> float:
    """For fewer rows than features, where Σ₁ Σ₂ has no full rank and is the larger matrix.

    With X = U S Vᵀ and Σ = XᵀX, tr (Σ₁^½ Σ₂ Σ₁^½)^½ is the nuclear norm of X₁ X₂ᵀ: exact for any
    rank, where a matrix square root of a rank-deficient product is not.
    """
    first, second = (x.cpu() if torch.is_tensor(x) else x for x in (first, second))
    first, second = (np.asarray(x, dtype=np.float64) for x in (first, second))
    between = first.mean(0) - second.mean(0)
    x, y = ((rows - rows.mean(0)) / np.sqrt(len(rows) - 1) for rows in (first, second))
    overlap = np.linalg.norm(x @ y.T, ord="nuc")
    spread = (x**2).sum() + (y**2).sum() - 2 * overlap
    return float(between @ between + max(spread, 0.0))


def _by_covariances(first, second) -> float:
    """For many rows: tr (Σ₁ Σ₂)^½ = tr (Σ₁^½ Σ₂ Σ₁^½)^½, symmetric, so with real, stable roots."""
    a, b = (torch.as_tensor(x).double() for x in (first, second))
    means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    k_a, k_b = (torch.atleast_2d(torch.cov(x.T)) for x in (a, b))
    half = _root(k_a)
    cross = torch.linalg.eigvalsh(half @ k_b @ half).clamp_min(0).sqrt().sum()
    return float((means + k_a.trace() + k_b.trace() - 2 * cross).clamp_min(0))


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
