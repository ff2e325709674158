"""The area under the ROC curve, and its interval: how well do scores tell two classes apart?

The area is the chance of ranking a pair, one of each class, correctly. DeLong's interval needs no
assumption about the scores, and knows that two methods looked at the same cases.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

from medlib.experiment.estimate import Estimate

__all__ = ["Auc", "auc", "auc_difference", "auc_of"]


@dataclass(frozen=True)
class Auc(Estimate):
    """Area under the ROC curve with its DeLong interval: an `Estimate`, so `run.result` takes it.

    Attributes:
        value: chance that an image with the lesion scores higher than one without (ties half).
        low, high: ends of the interval, within [0, 1].
        n: cases, of both classes together.
        standard_error: DeLong's.
    """

    standard_error: float = field(kw_only=True)


def auc(present: np.ndarray, absent: np.ndarray, *, level: float = 0.95) -> Auc:
    """Area under the ROC curve of scores, with DeLong's interval.

    Args:
        present: scores of images with the lesion, (n,).
        absent: scores without, (m,).
        level: confidence of the interval.

    Returns:
        The area; 0.5 = guessing, 1 = never wrong.

    Raises:
        ValueError: if a class has fewer than two scores.

    Example:
        >>> auc(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 2.5])).value.__round__(3)
        0.833

    Source: DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595.
    """
    value, by_present, by_absent = _placements(present, absent)
    variance = by_present.var(ddof=1) / len(by_present) + by_absent.var(ddof=1) / len(by_absent)
    n = len(by_present) + len(by_absent)
    return _with_interval(value, float(np.sqrt(variance)), n, level, (0.0, 1.0))


def auc_of(
    scores: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"], *, level: float = 0.95
) -> Auc:
    """Area under the ROC curve of scores (higher = label 1) of cases labelled 0 and 1.

    Example:
        >>> auc_of(np.array([0.1, 0.4, 0.3, 0.9]), np.array([0, 0, 1, 1])).value
        0.75
    """
    return auc(scores[labels == 1], scores[labels == 0], level=level)


def auc_difference(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    *,
    level: float = 0.95,
) -> Auc:
    """AUC of the first minus AUC of the second, both on the same cases, with DeLong's interval.

    The same images pass through both methods, so their errors go together and largely cancel: the
    interval is much shorter than two separate ones suggest.

    Args:
        first: (present, absent) scores of one method.
        second: scores of the other method for the same images in the same order.
        level: confidence of the interval.

    Returns:
        The difference, positive if the first is better; `low` and `high` within [-1, 1].

    Raises:
        ValueError: if the two methods did not score the same number of cases.

    Example:
        >>> scores = (np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 2.5]))
        >>> auc_difference(scores, scores).high
        0.0

    Source: DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595.
    """
    if len(first[0]) != len(second[0]) or len(first[1]) != len(second[1]):
        raise ValueError("the two methods must have scored the same cases in the same order")
    value_a, present_a, absent_a = _placements(*first)
    value_b, present_b, absent_b = _placements(*second)
    present, absent = present_a - present_b, absent_a - absent_b
    variance = present.var(ddof=1) / len(present) + absent.var(ddof=1) / len(absent)
    n = len(present) + len(absent)
    return _with_interval(value_a - value_b, float(np.sqrt(variance)), n, level, (-1.0, 1.0))


def _placements(present, absent) -> tuple[float, np.ndarray, np.ndarray]:
    """The AUC and, for each case, the share of the other class that it outranks."""
    present, absent = np.asarray(present, float), np.asarray(absent, float)
    if present.ndim != 1 or absent.ndim != 1 or min(len(present), len(absent)) < 2:
        raise ValueError(f"scores {present.shape} and {absent.shape}; two or more in each class")
    wins = np.sign(present[:, None] - absent[None, :]) / 2 + 0.5
    return float(wins.mean()), wins.mean(1), wins.mean(0)


def _with_interval(value, standard_error, n, level, bounds) -> Auc:
    reach = scipy.stats.norm.ppf((1 + level) / 2) * standard_error
    low, high = np.clip([value - reach, value + reach], *bounds)
    return Auc(value, low, high, n, level=level, standard_error=standard_error)
