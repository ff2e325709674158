"""From what an error costs to a threshold, and from a threshold to what it costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["bayes_threshold", "best_threshold", "expected_cost"]


def bayes_threshold(cost_ratio: float) -> float:
    """Mark where the probability is at least 1 / (1 + R), if a miss costs R false alarms.

    Marking a pixel of probability p costs 1 - p on average, leaving it p R; they are equal there.
    It is right for *calibrated* probabilities, and for costs that add up pixel by pixel.

    Args:
        cost_ratio: R, what a miss costs in false alarms, above 0.

    Raises:
        ValueError: R is not a positive number.

    Example:
        >>> bayes_threshold(9.0)
        0.1

    Source: Elkan (2001), The foundations of cost-sensitive learning, Proc. IJCAI, section 1 (the
    optimal decision).
    """
    _must_be_positive(cost_ratio)
    return 1 / (1 + cost_ratio)


def expected_cost(
    marked: Bool[np.ndarray, "scans ..."],
    truth: Bool[np.ndarray, "scans ..."],
    *,
    cost_ratio: float,
) -> Float[np.ndarray, " scans"]:
    """False alarms plus R times the misses, of each scan, in false alarms.

    Args:
        marked, truth: masks, or one decision a case; scans first.
        cost_ratio: R, what a miss costs in false alarms.

    Raises:
        ValueError: shapes differ, or R is not a positive number.

    Example:
        >>> expected_cost(np.array([[True, False]]), np.array([[False, True]]), cost_ratio=5.0)
        array([6.])
    """
    _must_be_positive(cost_ratio)
    marked, truth = np.asarray(marked, dtype=bool), np.asarray(truth, dtype=bool)
    if marked.shape != truth.shape:
        raise ValueError(f"marked {marked.shape} and truth {truth.shape} differ in shape")
    grid = tuple(range(1, truth.ndim))
    return (marked & ~truth).sum(axis=grid) + cost_ratio * (~marked & truth).sum(axis=grid)


def best_threshold(
    probabilities: Float[np.ndarray, "scans ..."],
    truth: Bool[np.ndarray, "scans ..."],
    *,
    cost_ratio: float,
    thresholds: Sequence[float],
) -> float:
    """The threshold, of those tried, that costs least; of equals the one nearest to Bayes' own.

    To be chosen on validation scans, never on those that judge.

    Args:
        probabilities, truth: of the same shape, scans first.
        cost_ratio: R, what a miss costs in false alarms.
        thresholds: to try; a pixel is marked from its threshold on.

    Raises:
        ValueError: no thresholds, shapes differ, or R is not a positive number.

    Example:
        >>> p, y = np.array([[0.1, 0.4, 0.9]]), np.array([[False, True, True]])
        >>> best_threshold(p, y, cost_ratio=1.0, thresholds=[0.05, 0.3, 0.6])
        0.3
    """
    if len(thresholds) == 0:
        raise ValueError("thresholds is empty: give one or more to try")
    probabilities = np.asarray(probabilities)
    own = bayes_threshold(cost_ratio)
    tried = sorted(thresholds, key=lambda threshold: abs(threshold - own))
    costs = [
        expected_cost(probabilities >= threshold, truth, cost_ratio=cost_ratio).sum()
        for threshold in tried
    ]
    return float(tried[int(np.argmin(costs))])


def _must_be_positive(cost_ratio: float) -> None:
    if not np.isfinite(cost_ratio) or cost_ratio <= 0:
        raise ValueError(f"cost_ratio = {cost_ratio} must be a positive number")
