"""The weights, with sum one, of several estimates of one thing that leave least squared error."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

__all__ = ["inverse_variance_weights", "least_error_weights", "weighted_error"]


def inverse_variance_weights(
    variances: Float[np.ndarray, "estimates ..."],
) -> Float[np.ndarray, "estimates ..."]:
    r"""Weigh independent, unbiased estimates by the inverse of their variances.

    .. math:: w_m = \sigma_m^{-2} / \sum_k \sigma_k^{-2}

    Among all weights with sum one, these give :math:`\sum_m w_m \hat\theta_m` least variance,
    :math:`1 / \sum_k \sigma_k^{-2}`. By Lagrange: :math:`2 w_m \sigma_m^2 = \lambda` for all m.
    They are fixed before anybody looks at the estimates, and they are not the best if estimates
    share errors or are biased: see `least_error_weights`.

    Args:
        variances: of each estimate, > 0, in any places.

    Raises:
        ValueError: fewer than two estimates, or a variance that is not positive.

    Example:
        >>> inverse_variance_weights(np.array([4.0, 1.0])).tolist()
        [0.2, 0.8]

    Source: Aitken 1936, doi:10.1017/S0370164600014346 (independent errors).
    """
    variances = np.asarray(variances, dtype=float)
    if len(variances) < 2 or not (np.isfinite(variances) & (variances > 0)).all():
        raise ValueError("give the variances of two estimates or more, each finite and above 0")
    precision = 1 / variances
    return precision / precision.sum(axis=0)


def least_error_weights(
    moments: Float[np.ndarray, "estimates same_estimates"],
) -> Float[np.ndarray, " estimates"]:
    r"""Weigh estimates whose errors may be biased, and may have to do with each other.

    .. math:: w = M^{-1} 1 / (1^T M^{-1} 1), \qquad M_{mk} = E[(\hat\theta_m - \theta)
              (\hat\theta_k - \theta)]

    The mean squared error of a weighted sum is :math:`w^T M w`, and :math:`M` the covariance plus
    the outer product of the biases. With independent, unbiased estimates it is diagonal, and these
    are the inverse-variance weights. A weight may be negative, if errors go strongly together.

    Args:
        moments: M, symmetric and positive definite.

    Raises:
        ValueError: not a square of two rows or more, not symmetric, or not positive definite.

    Example:
        >>> least_error_weights(np.diag([4.0, 1.0])).tolist()
        [0.2, 0.8]

    Source: Aitken 1936, doi:10.1017/S0370164600014346; Bates and Granger 1969,
    doi:10.1057/jors.1969.103, of forecasts.
    """
    moments = np.asarray(moments, dtype=float)
    if moments.ndim != 2 or moments.shape[0] != moments.shape[1] or len(moments) < 2:
        raise ValueError(f"moments of shape {moments.shape}: give a square of two rows or more")
    if not np.allclose(moments, moments.T):
        raise ValueError("moments are not symmetric: entry (m, k) is the mean product of errors")
    try:
        np.linalg.cholesky(moments)
    except np.linalg.LinAlgError:
        raise ValueError(
            "moments are not positive definite: one estimate is another's copy"
        ) from None
    raw = np.linalg.solve(moments, np.ones(len(moments)))
    return raw / raw.sum()


def weighted_error(
    weights: Float[np.ndarray, " estimates"],
    moments: Float[np.ndarray, "estimates same_estimates"],
) -> float:
    r"""The mean squared error of a weighted sum, :math:`w^T M w`.

    Raises:
        ValueError: the weights do not add up to one: the sum would estimate something else.

    Example:
        >>> round(weighted_error(np.array([0.2, 0.8]), np.diag([4.0, 1.0])), 3)
        0.8
    """
    weights = np.asarray(weights, dtype=float)
    if abs(weights.sum() - 1) > 1e-6:
        raise ValueError(f"weights add up to {weights.sum():g}; they must add up to 1")
    return float(weights @ moments @ weights)
