"""Centred kernel alignment: how alike two networks see the same images, whatever their channels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["linear_cka", "unbiased_hsic"]


def unbiased_hsic(k: Float[np.ndarray, "n columns"], other: Float[np.ndarray, "m others"]) -> float:
    """Return the unbiased estimate of HSIC, the squared covariance of two similarities.

    With K̃ = K and L̃ = L but for zero diagonals,

        HSIC₁ = [tr(K̃L̃) + (1ᵀK̃1)(1ᵀL̃1) / ((n-1)(n-2)) - 2/(n-2) 1ᵀK̃L̃1] / (n(n-3)).

    Args:
        k, other: symmetric n × n similarities of the same n images, n >= 4.

    Returns:
        0 on average for independent similarities; single estimates may be negative.

    Raises:
        ValueError: fewer than 4 images, or matrices that do not fit.

    Example:
        >>> x = np.array([[0.0], [0.0], [1.0], [1.0]])
        >>> round(unbiased_hsic(x @ x.T, x @ x.T), 4)
        0.1667

    Source: Song et al. (2012), JMLR 13:1393-1434, equation 5; Nguyen et al. (2021),
    doi:10.48550/arXiv.2010.15327, equation 3.
    """
    if k.ndim != 2 or k.shape[0] != k.shape[1] or k.shape != other.shape:
        raise ValueError(f"similarities have shapes {k.shape} and {other.shape}; expected (n, n)")
    n = len(k)
    if n < 4:
        raise ValueError(f"{n} images: the unbiased estimate needs at least 4")
    # copies whose rows and columns, diagonal left out, sum to zero: then one product is all of it
    return float((_u_centred(k) * _u_centred(other)).sum() / (n * (n - 3)))


def linear_cka(
    x: Float[np.ndarray, "n channels"],
    y: Float[np.ndarray, "m other"],
    *,
    debiased: bool = True,
) -> float:
    """Return linear CKA: HSIC(XXᵀ, YYᵀ) / √(HSIC(XXᵀ, XXᵀ) HSIC(YYᵀ, YYᵀ)).

    1 when Y = cXQ + b for an orthogonal Q; unchanged when either side is rotated, shifted or
    multiplied by one number; *not* when single channels are.

    Args:
        x, y: features of the same n images, one row each; channels may differ in number.
        debiased: HSIC estimated without bias (above), so that unrelated features give 0 on
            average; else the biased estimate, ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) of centred features, which
            nears 1 for *any* features once channels outnumber images.

    Returns:
        Higher = more alike; at most 1.

    Raises:
        ValueError: rows differ in number, fewer than 4 images, or features that do not vary.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(30, 5))
        >>> round(linear_cka(x, -7 * x[:, ::-1] + 2), 6)
        1.0

    Source: Kornblith et al. (2019), doi:10.48550/arXiv.1905.00414.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(f"features have shapes {x.shape} and {y.shape}; expected the same n rows")
    if len(x) < 4:
        raise ValueError(f"{len(x)} images: CKA needs at least 4")
    grams = [centred @ centred.T for centred in (x - x.mean(0), y - y.mean(0))]
    for name, gram in zip("xy", grams, strict=True):
        if not np.trace(gram) > 0:
            raise ValueError(f"the features {name} are equal for all images: nothing to compare")
    hsic = unbiased_hsic if debiased else lambda k, other: float((k * other).sum())
    k, other = grams
    own = hsic(k, k) * hsic(other, other)
    return hsic(k, other) / float(np.sqrt(own))


def _u_centred(k: np.ndarray) -> np.ndarray:
    """Subtract row and column means so that, without the diagonal, each row sums to zero."""
    n = len(k)
    k = k - np.diag(np.diag(k))
    rows = k.sum(1, keepdims=True) / (n - 2)
    centred = k - rows - rows.T + k.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred
