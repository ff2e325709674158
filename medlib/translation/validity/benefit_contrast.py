"""A weighted sum of net benefits at one threshold, such as how much of a loss was won back."""

from __future__ import annotations

import numpy as np
from jaxtyping import Real

from medlib.experiment.estimate import Estimate
from medlib.translation.validity.decision_curve import DecisionCurve

__all__ = ["benefit_contrast"]


def benefit_contrast(
    curve: DecisionCurve, weights: Real[np.ndarray, " rows"], *, at: float
) -> Estimate:
    """Σ weight · net benefit of each row at a threshold, on the same resamples of patients.

    With rows home, away and mended, weights (-1/2, -1/2, 1) ask whether mending wins back more than
    half of what was lost: mended - away > (home - away)/2.

    Args:
        curve: models row by row, then treating all.
        weights: one a row, treating all included.
        at: one of the thresholds.

    Returns:
        In true positives per patient; n counts patients.

    Raises:
        ValueError: not one weight a row, a threshold that the curve does not have, or no resamples.

    Example:
        >>> from medlib.translation.validity.decision_curve import decision_curve
        >>> risks, labels = np.array([[0.1, 0.2, 0.8, 0.9]]), np.array([0, 1, 0, 1])
        >>> curve = decision_curve(
        ...     risks, labels, thresholds=np.array([0.5]), rng=np.random.default_rng(0))
        >>> benefit_contrast(curve, np.array([1, -1]), at=0.5).value
        0.0

    Source: intervals of net benefit by the bootstrap, Vickers et al. (2008),
    doi:10.1186/1472-6947-8-53.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != curve.values.shape[:1]:
        raise ValueError(f"{weights.shape} weights, {len(curve.values)} rows: one a row")
    where = np.flatnonzero(np.isclose(curve.thresholds, at, rtol=0, atol=1e-12))
    if len(where) != 1 or not len(curve.resamples):
        raise ValueError(f"at={at}: none of the {len(curve.thresholds)} thresholds, or no resample")
    k = int(where[0])
    value = float(weights @ curve.values[:, k])
    drawn = curve.resamples[:, :, k] @ weights
    low, high = np.quantile(drawn, [(1 - curve.level) / 2, (1 + curve.level) / 2])
    return Estimate(value, min(low, value), max(high, value), n=curve.n, level=curve.level)
