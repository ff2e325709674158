"""Logistic regression without any penalty, by Newton's steps: for a few columns that must be in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

__all__ = ["plain_logistic"]

_ROUNDS, _TOLERANCE = 60, 1e-10


def plain_logistic(
    columns: Float[np.ndarray, "n columns"], response: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " columns"]:
    r"""Effects that maximise the likelihood: $X^\top (y - \hat p) = 0$.

    Args:
        columns: one row a patient; a column of ones is the intercept.
        response: 0 or 1.

    Raises:
        ValueError: the columns separate the responses, or one is a sum of others: there is no one
            best fit.

    Example:
        >>> columns = np.c_[np.ones(8), np.arange(8) % 2]
        >>> effects = plain_logistic(columns, np.array([0, 1, 0, 1, 0, 1, 1, 0]))
        >>> [round(float(effect), 3) for effect in effects]  # ln 1/3, and ln 3 - ln 1/3
        [-1.099, 2.197]

    Source: Nelder and Wedderburn (1972), doi:10.2307/2344614.
    """
    effects = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        fitted = expit(columns @ effects)
        inner = columns.T @ ((fitted * (1 - fitted))[:, None] * columns)
        if np.linalg.cond(inner) > 1e12:
            break
        move = np.linalg.solve(inner, columns.T @ (response - fitted))
        effects = effects + move
        if np.abs(move).max() < _TOLERANCE:
            return effects
    raise ValueError(
        "no one best fit without a penalty: the free columns separate the responses, or one of them"
        " is a sum of others"
    )
