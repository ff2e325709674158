"""Lesion or none, from a few numbers of a study, with what each of them spoke for.

A logistic line is its own explanation: what it adds up is all that it knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

__all__ = ["FEATURES", "Decision", "fit_decision", "of_probabilities"]

FEATURES = ("surest voxels", "expected size")
_SUREST = 5
_EDGE = 1e-6


def of_probabilities(probabilities: Float[np.ndarray, "slices rows columns"]) -> np.ndarray:
    """The numbers of `FEATURES` of one study.

    Log-odds of the mean of the five largest probabilities, for one sure spot is enough; and the
    logarithm of 1 + their sum, the number of voxels that are to be expected.

    Args:
        probabilities: of lesion, of every voxel.

    Example:
        >>> of_probabilities(np.full((1, 5, 5), 0.5)).round(3)
        array([0.   , 2.603])
    """
    flat = np.asarray(probabilities, dtype=float).ravel()
    most = np.partition(flat, -_SUREST)[-_SUREST:] if flat.size > _SUREST else flat
    return np.array([logit(np.clip(most.mean(), _EDGE, 1 - _EDGE)), np.log1p(flat.sum())])


@dataclass(frozen=True, eq=False)
class Decision:
    r"""A line of standardised numbers, logit p = offset + Σ w_i (x_i - m_i) / s_i.

    Attributes:
        names: of the numbers.
        means, spreads: m and s, of the studies that it was fitted on.
        weights: w.
        offset: log-odds of a study that is average in all of them.
    """

    names: tuple[str, ...]
    means: Float[np.ndarray, " d"]
    spreads: Float[np.ndarray, " d"]
    weights: Float[np.ndarray, " d"]
    offset: float

    def contributions(self, numbers: Float[np.ndarray, " d"]) -> dict[str, float]:
        """What each number adds to the log-odds, in nats; with the offset, they sum to logit p."""
        parts = self.weights * (np.asarray(numbers, dtype=float) - self.means) / self.spreads
        return {name: float(part) for name, part in zip(self.names, parts, strict=True)}

    def probability(self, numbers: Float[np.ndarray, " d"]) -> float:
        """That there is a lesion."""
        return float(expit(self.offset + sum(self.contributions(numbers).values())))


def fit_decision(
    numbers: Float[np.ndarray, "n d"], present: Int[np.ndarray, " n"], *, names: Sequence[str]
) -> Decision:
    """Logistic regression with weights held back by an L2 penalty of one half.

    Fitted on studies that nothing was learned from, it calibrates as it decides.

    Args:
        numbers: one row a study.
        present: 1 where there is a lesion.
        names: of the columns.

    Raises:
        ValueError: studies of one kind only, or other than one name a column.

    Example:
        >>> x, present = np.array([[0.0], [1], [2], [3]]), np.array([0, 0, 1, 1])
        >>> found = fit_decision(x, present, names="x")
        >>> found.probability(np.array([1.5])), found.probability(np.array([3.0])) > 0.7
        (0.5, True)
    """
    numbers, present = np.asarray(numbers, dtype=float), np.asarray(present)
    if len(np.unique(present)) != 2:
        raise ValueError("studies with a lesion and without are needed to fit a decision")
    if numbers.ndim != 2 or numbers.shape[1] != len(names):
        raise ValueError(f"numbers of shape {numbers.shape}; one column for each of {len(names)}")
    means, spreads = numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-6)
    line = LogisticRegression(C=1.0).fit((numbers - means) / spreads, present)
    return Decision(tuple(names), means, spreads, line.coef_[0], float(line.intercept_[0]))
