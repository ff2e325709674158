"""Net benefit: what acting on a risk is worth to patients, in true positives.

Treat whoever's risk is at least t. Who chooses t says how many needless treatments one needed
treatment is worth: (1 - t)/t of them. Then, per patient,

    net benefit = TP/n - FP/n · t/(1 - t)

and the model must beat both treating all and treating none, at the t of the patients concerned.

Source: Vickers and Elkin (2006), doi:10.1177/0272989X06295361; intervals and interventions avoided,
Vickers et al. (2008), doi:10.1186/1472-6947-8-53.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Real

from medlib.experiment.estimate import Estimate

__all__ = ["DecisionCurve", "bands", "decision_curve", "harm_per_false_positive", "net_benefit"]


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit of models and of treating all, over thresholds; of treating none it is 0.

    Attributes:
        thresholds: t, ascending.
        values, low, high: row by row the models, then treating all; the percentile interval of the
            bootstrap over patients, at each threshold by itself. nan where there is no answer.
        resamples: net benefit of each resample, one and the same for all rows.
        n: patients.
    """

    thresholds: Float[np.ndarray, " thresholds"]
    values: Float[np.ndarray, "rows thresholds"]
    low: Float[np.ndarray, "rows thresholds"]
    high: Float[np.ndarray, "rows thresholds"]
    resamples: Float[np.ndarray, "resamples rows thresholds"]
    n: int
    level: float

    @property
    def treat_all(self) -> Float[np.ndarray, " thresholds"]:
        """Net benefit of treating all."""
        return self.values[-1]

    def interventions_avoided(self) -> Float[np.ndarray, "models thresholds"]:
        """Needless interventions fewer, per patient, than if all were treated; nan at t = 0.

        (net benefit of the model - of treating all) / (t / (1 - t))
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = self.values[:-1] - self.values[-1]
            return np.where(
                self.thresholds > 0, gain / harm_per_false_positive(self.thresholds), np.nan
            )

    def difference(self, first: int, second: int, *, at: float) -> Estimate:
        """Net benefit of one row less that of another at a threshold, on the same resamples.

        Row -1 is treating all.

        Raises:
            ValueError: `at` is none of the thresholds, or there is no answer in some resample.
        """
        weights = np.zeros(len(self.values))
        weights[first] += 1
        weights[second] -= 1
        return self.contrast(weights, at=at)

    def contrast(self, weights: Real[np.ndarray, " rows"], *, at: float) -> Estimate:
        """Σ weight · net benefit of each row at a threshold, on the same resamples of patients.

        With rows home, away and mended, weights (-1/2, -1/2, 1) ask whether mending wins back more
        than half of what was lost: mended - away > (home - away)/2.

        Args:
            weights: one a row, treating all included; a row of weight 0 may have no answer.
            at: one of the thresholds.

        Returns:
            In true positives per patient; n counts patients.

        Raises:
            ValueError: not one weight a row, `at` is none of the thresholds, or there are no
                resamples, or no answer in some.
        """
        weights = np.asarray(weights, dtype=float)
        if weights.shape != self.values.shape[:1]:
            raise ValueError(f"{weights.shape} weights, {len(self.values)} rows: one a row")
        where = np.flatnonzero(np.isclose(self.thresholds, at, rtol=0, atol=1e-12))
        if len(where) != 1:
            raise ValueError(f"at={at}: none of the {len(self.thresholds)} thresholds")
        if not len(self.resamples):
            raise ValueError("there are no resamples, and without them no interval")
        rows, k = np.flatnonzero(weights), int(where[0])
        drawn = (self.resamples[:, rows, k] * weights[rows]).sum(axis=1)
        value = float((self.values[rows, k] * weights[rows]).sum())
        low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Estimate(value, low, high, n=self.n, level=self.level)


def decision_curve(
    risks: Real[np.ndarray, "models n"],
    labels: Integer[np.ndarray, " labels"],
    *,
    thresholds: Real[np.ndarray, " thresholds"],
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    prevalence: float | None = None,
) -> DecisionCurve:
    """Decision curves of several models on the same patients, with bootstrap intervals.

    At given thresholds a patient is a pattern: by how many thresholds each model's risk is reached,
    and the label. A resample is how often each pattern is drawn, one multinomial, and its net
    benefit a product of matrices: no resample is walked through.

    Args:
        risks: of each patient by each model, 0..1.
        labels: 1 = it happened.
        thresholds: ascending, 0 ≤ t < 1.
        rng: draws patients.
        n_resamples: bootstrap samples; 0 gives no interval (nan).
        level: of the intervals.
        prevalence: of the population, if cases and controls were sampled separately; they are then
            resampled together all the same.

    Raises:
        ValueError: lengths differ, a risk, threshold or prevalence out of range, thresholds that do
            not ascend, or, with a prevalence, labels of one kind only.

    Example:
        >>> risks, labels = np.array([[0.1, 0.2, 0.8, 0.9]]), np.array([0, 1, 0, 1])
        >>> curve = decision_curve(
        ...     risks, labels, thresholds=np.array([0.15, 0.5]), rng=np.random.default_rng(0))
        >>> curve.values.round(3)
        array([[0.456, 0.   ],
               [0.412, 0.   ]])

    Source: Vickers and Elkin (2006), doi:10.1177/0272989X06295361.
    """
    risks, labels, thresholds = _checked(risks, labels, thresholds, prevalence)
    if not 0 < level < 1:
        raise ValueError(f"level={level}: give a share between 0 and 1, e.g. 0.95")
    models, n = risks.shape
    steps = np.searchsorted(thresholds, risks, side="right")  # treated at so many thresholds
    patterns, whose = np.unique(np.vstack([steps, labels]), axis=1, return_inverse=True)
    counts = np.bincount(whose.ravel(), minlength=patterns.shape[1])
    treated = patterns[:-1, :, None] > np.arange(len(thresholds))  # (models, patterns, thresholds)
    treated = np.concatenate([treated, np.ones_like(treated[:1])])
    happened = patterns[-1]
    drawn = rng.multinomial(n, counts / n, size=n_resamples)
    values, *resamples = (
        _of_counts(times, treated, happened, thresholds, prevalence)
        for times in (counts[None], *([drawn] if n_resamples else []))
    )
    resampled = resamples[0] if resamples else np.empty((0, models + 1, len(thresholds)))
    low, high = bands(resampled, level=level, shape=values[0].shape)
    return DecisionCurve(thresholds, values[0], low, high, resampled, n, level)


def net_benefit(
    risks: Real[np.ndarray, " n"], labels: Integer[np.ndarray, " labels"], *, threshold: float
) -> float:
    """TP/n - FP/n · t/(1 - t), at one threshold; a patient at the threshold is treated.

    Raises:
        ValueError: as `decision_curve`.

    Example:
        >>> net_benefit(np.array([0.1, 0.5, 0.9]), np.array([0, 0, 1]), threshold=0.5)
        0.0
    """
    at = np.array([threshold])
    risks, labels, at = _checked(np.asarray(risks)[None], labels, at, None)
    treated = risks[0] >= threshold
    harm = harm_per_false_positive(at)[0]
    return float((treated & (labels == 1)).mean() - harm * (treated & (labels == 0)).mean())


def harm_per_false_positive(
    thresholds: Float[np.ndarray, " thresholds"],
) -> Float[np.ndarray, " thresholds"]:
    """t/(1 - t), true positives that one false positive costs."""
    return thresholds / (1 - thresholds)


def bands(
    resamples: Float[np.ndarray, "resamples rows thresholds"],
    *,
    level: float,
    shape: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of resamples; nan where there are none, or one of them has no answer."""
    if not len(resamples):
        return np.full(shape, np.nan), np.full(shape, np.nan)
    low, high = np.quantile(resamples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _of_counts(times, treated, happened, thresholds, prevalence) -> np.ndarray:
    """(draws, rows, thresholds) of draws that hold each pattern `times` (draws, patterns)."""
    yes, no = (times * (happened == label) for label in (1, 0))
    if prevalence is None:
        scales = [1 / times.sum(axis=1, keepdims=True)] * 2
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            scales = [
                share / part.sum(axis=1, keepdims=True)
                for share, part in ((prevalence, yes), (1 - prevalence, no))
            ]
    shares = [part * scale for part, scale in zip((yes, no), scales, strict=True)]
    rows, patterns, t = treated.shape
    flat = treated.transpose(1, 0, 2).reshape(patterns, rows * t).astype(float)
    true, false = ((share @ flat).reshape(-1, rows, t) for share in shares)
    return true - harm_per_false_positive(thresholds) * false


def _checked(risks, labels, thresholds, prevalence):
    risks, labels = np.asarray(risks, dtype=float), np.asarray(labels)
    thresholds = np.asarray(thresholds, dtype=float)
    if risks.ndim != 2 or labels.shape != risks.shape[1:] or labels.size == 0:
        raise ValueError(f"risks {risks.shape}, labels {labels.shape}: one label a column")
    if not ((risks >= 0) & (risks <= 1)).all():
        raise ValueError(f"risks run from {risks.min():g} to {risks.max():g}; they lie in 0..1")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels are 0 or 1")
    ascending = (np.diff(thresholds) > 0).all()
    if not len(thresholds) or not ascending or thresholds[0] < 0 or thresholds[-1] >= 1:
        raise ValueError("thresholds ascend within 0 ≤ t < 1: at 1 nothing is worth a false alarm")
    if prevalence is not None and not (0 < prevalence < 1 and 0 < labels.mean() < 1):
        raise ValueError(f"prevalence={prevalence}: between 0 and 1, with cases and controls")
    return risks, labels, thresholds
