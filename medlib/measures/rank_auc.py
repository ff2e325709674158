"""DeLong's interval of an AUC by midranks: the same numbers as `auc`, for many thousands of cases.

`auc` compares each case of one class with each of the other, which is plain and takes n · m steps.
Ranks know the same: the share of the other class that a case outranks is its rank among all, less
its rank in its own class.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

from medlib.measures.auc import Auc

__all__ = ["rank_auc", "rank_auc_difference"]


def rank_auc(
    scores: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"], *, level: float = 0.95
) -> Auc:
    """Area under the ROC curve of scores (higher = label 1), with DeLong's interval.

    Args:
        scores: of the cases; ties count one half.
        labels: 0 or 1.
        level: confidence of the interval.

    Raises:
        ValueError: a class has fewer than two cases, or lengths differ.

    Example:
        >>> rank_auc(np.array([0.1, 0.4, 0.3, 0.9]), np.array([0, 0, 1, 1])).value
        0.75

    Source: Sun and Xu (2014), doi:10.1109/LSP.2014.2337313.
    """
    present, absent = _placements(scores, labels)
    return _with_interval(float(present.mean()), present, absent, level, (0.0, 1.0))


def rank_auc_difference(
    first: Float[np.ndarray, " n"],
    second: Float[np.ndarray, " n"],
    labels: Int[np.ndarray, " labels"],
    *,
    level: float = 0.95,
) -> Auc:
    """AUC of the first scores minus AUC of the second, of the same cases, with DeLong's interval.

    Args:
        first, second: two scores of each case.
        labels: 0 or 1.
        level: confidence of the interval.

    Raises:
        ValueError: as `rank_auc`.

    Example:
        >>> scores, labels = np.array([0.1, 0.4, 0.3, 0.9]), np.array([0, 0, 1, 1])
        >>> rank_auc_difference(scores, scores, labels).high
        0.0

    Source: Sun and Xu (2014), doi:10.1109/LSP.2014.2337313.
    """
    (present, absent), (with_second, without) = (
        _placements(scores, labels) for scores in (first, second)
    )
    value = float(present.mean() - with_second.mean())
    return _with_interval(value, present - with_second, absent - without, level, (-1.0, 1.0))


def _placements(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each case of either class, the share of the other class that it outranks."""
    scores, labels = np.asarray(scores, float), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != labels.shape or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"scores {scores.shape}, labels {labels.shape}: one of 0 or 1 a score")
    present, absent = scores[labels == 1], scores[labels == 0]
    if min(len(present), len(absent)) < 2:
        raise ValueError(f"{len(present)} and {len(absent)} cases: two or more in each class")
    if np.isnan(scores).any():
        raise ValueError("a score is nan; it has no rank")
    ranks = scipy.stats.rankdata(scores)
    above = ranks[labels == 1] - scipy.stats.rankdata(present)
    below = ranks[labels == 0] - scipy.stats.rankdata(absent)
    return above / len(absent), 1 - below / len(present)


def _with_interval(
    value: float,
    present: np.ndarray,
    absent: np.ndarray,
    level: float,
    bounds: tuple[float, float],
) -> Auc:
    variance = present.var(ddof=1) / len(present) + absent.var(ddof=1) / len(absent)
    error = float(np.sqrt(variance))
    reach = scipy.stats.norm.ppf((1 + level) / 2) * error
    low, high = np.clip([value - reach, value + reach], *bounds)
    n = len(present) + len(absent)
    return Auc(value, min(low, value), max(high, value), n, level=level, standard_error=error)
