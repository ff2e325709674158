"""An external cohort by case mix: other patients of the same kind, drawn out of one cohort.

Where patients differ more from each other, the same model ranks them better; where a clinic sees
only the doubtful cases, worse. If they are chosen by what the model knows of them (or by its risk),
the chance of the event given that knowledge stays, and with it calibration. The AUC moves all the
same: it belongs to the model and its patients together. What it should be in the new mix can be
told from the risks alone; only what is missing beyond that is the model's fault.

Source: Vergouwe, Moons and Steyerberg (2010), doi:10.1093/aje/kwq223; van Klaveren et al. (2016),
doi:10.1002/sim.6997; Debray et al. (2015), doi:10.1016/j.jclinepi.2014.06.018.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Integer, Real

__all__ = [
    "case_mix_weights",
    "draw_case_mix",
    "effective_patients",
    "expected_auc",
    "weighted_auc",
]


def case_mix_weights(
    covariate: Real[np.ndarray, " n"], *, mean: float = 0.0, sd: float = 1.0
) -> Float[np.ndarray, " n"]:
    """Weights that turn a covariate's mean and SD into others, in SDs of the cohort.

    With z the standardised covariate, w ∝ exp(z mean/sd² - z² (1/sd² - 1)/2): a normal covariate
    becomes normal with exactly that mean and SD, any other one goes that way.

    Args:
        covariate: what the model knows of a patient, or the logit of its risk. Never the outcome,
            nor anything that tells of it beyond the model: calibration would not hold.
        mean: of the new cohort, in SDs of the old one from its mean.
        sd: of the new cohort in SDs of the old one; above 1 few patients carry nearly all weight.

    Returns:
        Weights with mean 1.

    Raises:
        ValueError: a covariate that is not finite or the same for all, or an sd not above 0.

    Example:
        >>> z = np.random.default_rng(0).normal(size=20000)
        >>> w = case_mix_weights(z, mean=0.5, sd=0.7)
        >>> round(float(np.average(z, weights=w)), 1)
        0.5

    Source: exponential tilting, Qin (1998), doi:10.1093/biomet/85.3.619.
    """
    covariate = np.asarray(covariate, dtype=float)
    if covariate.ndim != 1 or not np.isfinite(covariate).all() or not np.ptp(covariate) > 0:
        raise ValueError("covariate: one finite number a patient, not the same for all")
    if not (sd > 0 and np.isfinite(mean)):
        raise ValueError(f"mean={mean}, sd={sd}: the sd of the new cohort is above 0")
    z = (covariate - covariate.mean()) / covariate.std()
    exponent = z * mean / sd**2 - z**2 * (1 / sd**2 - 1) / 2
    weights = np.exp(exponent - exponent.max())
    return weights / weights.mean()


def draw_case_mix(
    weights: Float[np.ndarray, " n"], *, rng: np.random.Generator
) -> Bool[np.ndarray, " n"]:
    """Keep each patient with a chance of weight / largest weight: a real cohort, nobody twice.

    Resampling with repeats would make intervals too short, as the same patient counts as several.

    Raises:
        ValueError: a weight below 0 or not finite, or none above 0.

    Example:
        >>> kept = draw_case_mix(np.array([0.0, 2.0, 2.0]), rng=np.random.default_rng(0))
        >>> kept
        array([False,  True,  True])

    Source: rejection sampling, von Neumann (1951).
    """
    weights = _weights(weights)
    return rng.random(len(weights)) < weights / weights.max()


def effective_patients(weights: Float[np.ndarray, " n"]) -> float:
    """(Σ w)² / Σ w²: so many patients with equal weights know as much.

    Raises:
        ValueError: as `draw_case_mix`.

    Example:
        >>> effective_patients(np.array([1.0, 1.0, 0.0, 0.0]))
        2.0

    Source: Kish (1965), Survey Sampling.
    """
    weights = _weights(weights)
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_auc(
    scores: Real[np.ndarray, " n"],
    labels: Integer[np.ndarray, " labels"],
    weights: Float[np.ndarray, " weights"] | None = None,
) -> float:
    """Area under the ROC curve of weighted patients; ties count one half.

    Raises:
        ValueError: lengths differ, a score that is nan, labels that are not 0 or 1, or no weight on
            one of them.

    Example:
        >>> weighted_auc(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0]), np.array([3.0, 1.0, 1.0]))
        0.75
    """
    scores, weights = _aligned(scores, weights)
    labels = np.asarray(labels)
    if labels.shape != scores.shape or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"scores {scores.shape}, labels {labels.shape}: one of 0 or 1 a score")
    wins, pairs = _ranked_pairs(scores, weights * labels, weights * (1 - labels))
    if not pairs > 0:
        raise ValueError("no weight on one of the labels: there is no pair to rank")
    return float(wins / pairs)


def expected_auc(
    risks: Real[np.ndarray, " n"], weights: Float[np.ndarray, " weights"] | None = None
) -> float:
    """AUC that these patients should give if the told risks are true; no outcome is asked.

    Σ over pairs i ≠ j of p_i (1 - p_j) [p_i > p_j], over Σ p_i (1 - p_j); ties one half.

    Args:
        risks: told, 0..1.
        weights: of a case mix.

    Raises:
        ValueError: fewer than two patients, a risk outside 0..1, or risks that are all 0 or all 1.

    Example:
        >>> round(expected_auc(np.array([0.1, 0.9])), 3)
        0.988

    Source: the model-based concordance of van Klaveren et al. (2016), doi:10.1002/sim.6997.
    """
    risks, weights = _aligned(risks, weights)
    if not ((risks >= 0) & (risks <= 1)).all():
        raise ValueError(f"risks run from {risks.min():g} to {risks.max():g}; they lie in 0..1")
    present, absent = weights * risks, weights * (1 - risks)
    wins, pairs = _ranked_pairs(risks, present, absent)
    with_oneself = (present * absent).sum()
    if not pairs - with_oneself > 1e-12 * max(pairs, 1e-300):
        raise ValueError("no two patients can differ in outcome: there is no pair to rank")
    return float((wins - with_oneself / 2) / (pairs - with_oneself))


def _ranked_pairs(scores, present, absent) -> tuple[float, float]:
    """Weight of pairs (present, absent) in the right order, and of all pairs."""
    _, group = np.unique(scores, return_inverse=True)
    above, below = (np.bincount(group, part) for part in (present, absent))
    lower = np.concatenate([[0.0], np.cumsum(below)[:-1]])
    return float(above @ (lower + below / 2)), float(present.sum() * absent.sum())


def _aligned(scores, weights) -> tuple[np.ndarray, np.ndarray]:
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or len(scores) < 2 or np.isnan(scores).any():
        raise ValueError(f"scores of shape {scores.shape}: two patients or more, none nan")
    weights = np.ones(len(scores)) if weights is None else _weights(weights)
    if weights.shape != scores.shape:
        raise ValueError(f"{len(scores)} patients, {len(weights)} weights: one a patient")
    return scores, weights


def _weights(weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("weights: one finite number a patient, none below 0")
    if not weights.max() > 0:
        raise ValueError("all weights are 0: nobody is left")
    return weights
