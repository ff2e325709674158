"""Several scores of the same cases: their AUCs, DeLong's covariance, and any contrast of them.

`medlib.measures.rank_auc` has the interval of one area and of one difference. Here are all scores
at once, by the same midranks: the covariance tells which of two biomarkers ranks patients better,
and whether any of three differ at all.

Source: DeLong, DeLong and Clarke-Pearson (1988), doi:10.2307/2531595; by midranks, Sun and Xu
(2014), doi:10.1109/LSP.2014.2337313.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Integer, Real
from scipy.special import expit, logit

from medlib.experiment.estimate import Estimate

__all__ = ["Areas", "Contrast", "delong"]


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of areas, its interval, and the p value of "it is 0"."""

    estimate: Estimate
    standard_error: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Areas:
    """AUCs of several scores of the same cases.

    Attributes:
        values: chance that a case with label 1 scores higher than one with 0, ties one half.
        covariance: DeLong's, of the values.
        n_present, n_absent: cases of either label.
    """

    values: Float[np.ndarray, " scores"]
    covariance: Float[np.ndarray, "scores scores"]
    n_present: int
    n_absent: int

    def area(self, index: int, *, level: float = 0.95) -> Estimate:
        """One area, with an interval on the logit scale, which cannot leave 0..1.

        Raises:
            ValueError: the area is 0 or 1, where DeLong's variance is 0 and knows nothing.

        Source: Pepe (2003), The Statistical Evaluation of Medical Tests, section 5.2.
        """
        value = float(self.values[index])
        if not 0 < value < 1:
            raise ValueError(
                f"the area is {value:g}: no case is out of order, and DeLong's variance is 0"
            )
        error = np.sqrt(self.covariance[index, index]) / (value * (1 - value))
        reach = scipy.stats.norm.ppf((1 + level) / 2) * error
        low, high = (float(expit(logit(value) + sign * reach)) for sign in (-1, 1))
        return Estimate(value, low, high, n=self.n_present + self.n_absent, level=level)

    def contrast(self, weights: Real[np.ndarray, " weights"], *, level: float = 0.95) -> Contrast:
        """Σ weight · area, such as [1, -1] for a difference, with its normal interval.

        Raises:
            ValueError: not one weight a score.
        """
        weights = np.asarray(weights, dtype=float)
        if weights.shape != self.values.shape:
            raise ValueError(f"{weights.shape} weights, {self.values.shape} areas: one an area")
        value = float(weights @ self.values)
        error = float(np.sqrt(max(weights @ self.covariance @ weights, 0.0)))
        reach = scipy.stats.norm.ppf((1 + level) / 2) * error
        n = self.n_present + self.n_absent
        found = Estimate(value, value - reach, value + reach, n=n, level=level)
        if error == 0:
            return Contrast(found, error, 1.0 if value == 0 else 0.0)
        return Contrast(found, error, float(2 * scipy.stats.norm.sf(abs(value) / error)))

    def all_equal_p(self) -> float:
        """p value of "all areas are equal", by chi-square; 1 if no score ranks otherwise."""
        steps = np.diff(np.eye(len(self.values)), axis=0)
        apart, spread = steps @ self.values, steps @ self.covariance @ steps.T
        rank = np.linalg.matrix_rank(spread)
        if rank == 0:
            return 1.0
        return float(scipy.stats.chi2.sf(apart @ np.linalg.pinv(spread) @ apart, rank))


def delong(
    scores: Real[np.ndarray, "scores cases"], labels: Integer[np.ndarray, " labels"]
) -> Areas:
    """Areas under the ROC curves of several scores of the same cases, with their covariance.

    Args:
        scores: one row a score; higher = label 1.
        labels: 0 or 1.

    Raises:
        ValueError: lengths differ, a label other than 0 and 1, fewer than two cases of a label, or
            a score that is nan.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat([0, 1], 100)
        >>> good, poor = labels + rng.normal(size=200), 0.2 * labels + rng.normal(size=200)
        >>> found = delong(np.stack([good, poor]), labels)
        >>> found.values.round(2), found.contrast(np.array([1, -1])).p_value < 0.05
        (array([0.74, 0.6 ]), True)

    Source: Sun and Xu (2014), doi:10.1109/LSP.2014.2337313.
    """
    scores, labels = np.asarray(scores, dtype=float), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[1:] or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"scores {scores.shape}, labels {labels.shape}: one of 0 or 1 a column")
    there = labels == 1
    m, n = int(there.sum()), int((~there).sum())
    if min(m, n) < 2:
        raise ValueError(f"{m} and {n} cases: two or more with each label")
    if np.isnan(scores).any():
        raise ValueError("a score is nan; it has no rank")
    ranks = scipy.stats.rankdata(scores, axis=1)
    above = (ranks[:, there] - scipy.stats.rankdata(scores[:, there], axis=1)) / n
    below = 1 - (ranks[:, ~there] - scipy.stats.rankdata(scores[:, ~there], axis=1)) / m
    covariance = np.cov(above) / m + np.cov(below) / n
    return Areas(above.mean(axis=1), np.atleast_2d(covariance), m, n)
