"""The share of events against the risk that was told, as a smooth curve with a band.

Bins hide what happens inside them. Here the true logit is a restricted cubic spline of the logit
that was told: straight beyond the outer knots, where few patients are.

Source: Harrell (2015), doi:10.1007/978-3-319-19425-7, chapter 2; as a calibration curve, Austin and
Steyerberg (2014), doi:10.1002/sim.5941, and their summaries of it (2019), doi:10.1002/sim.8281.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Integer, Real
from scipy.special import expit, logit

from medlib.translation.validity.calibration_of_risk import checked_risks, logistic_fit

__all__ = ["CalibrationCurve", "calibration_curve", "restricted_cubic_spline"]

_QUANTILES = {3: (10, 50, 90), 4: (5, 35, 65, 95), 5: (5, 27.5, 50, 72.5, 95)}  # Harrell's
_EDGE = 1e-12


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """A smooth calibration curve.

    Attributes:
        told: risks at which the curve is given.
        observed, low, high: share of events there, and its pointwise band.
        ici: mean distance of told risk and curve, over the patients (integrated calibration index).
        e50, e90: median and 90th percentile of that distance.
        n: patients.
    """

    told: Float[np.ndarray, " points"]
    observed: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]
    ici: float
    e50: float
    e90: float
    n: int


def calibration_curve(
    risks: Real[np.ndarray, " n"],
    labels: Integer[np.ndarray, " labels"],
    *,
    at: Real[np.ndarray, " points"] | None = None,
    knots: int = 4,
    level: float = 0.95,
) -> CalibrationCurve:
    """Fit the curve, and measure how far the told risks lie from it.

    The distances are above 0 by chance alone: compare them between equally many patients only.

    Args:
        risks: told to each patient, 0..1.
        labels: 1 = it happened.
        at: where the curve is wanted; if not given, 101 risks from the lowest to the highest told.
        knots: 3, 4 or 5, at Harrell's quantiles of the told risks.
        level: confidence of the band at each point.

    Raises:
        ValueError: as `calibration_of_risk.checked_risks`, knots that coincide, or labels that the
            curve parts without an error.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> told = rng.uniform(0.05, 0.6, size=4000)
        >>> labels = (rng.random(4000) < told**2).astype(int)
        >>> curve = calibration_curve(told, labels, at=np.array([0.3, 0.5]))
        >>> curve.observed.round(2)
        array([0.09, 0.26])

    Source: Austin and Steyerberg (2014), doi:10.1002/sim.5941, (2019), doi:10.1002/sim.8281.
    """
    risks, labels = checked_risks(risks, labels)
    if knots not in _QUANTILES:
        raise ValueError(f"knots={knots}: 3, 4 or 5")
    if at is None:
        at = np.linspace(risks.min(), risks.max(), 101)
    at = np.asarray(at, dtype=float)
    line, there = (logit(np.clip(x, _EDGE, 1 - _EDGE)) for x in (risks, at))
    places = np.percentile(line, _QUANTILES[knots])
    middle, width = line.mean(), max(line.std(), 1e-300)

    def columns(x: np.ndarray) -> np.ndarray:
        spline = restricted_cubic_spline((x - middle) / width, knots=(places - middle) / width)
        return np.column_stack([np.ones(len(x)), spline])

    beta, covariance, _ = logistic_fit(columns(line), labels)
    design = columns(there)
    fitted = design @ beta
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design).clip(0))
    reach = scipy.stats.norm.ppf((1 + level) / 2) * error
    distance = np.abs(risks - expit(columns(line) @ beta))
    return CalibrationCurve(
        told=at,
        observed=expit(fitted),
        low=expit(fitted - reach),
        high=expit(fitted + reach),
        ici=float(distance.mean()),
        e50=float(np.median(distance)),
        e90=float(np.percentile(distance, 90)),
        n=len(risks),
    )


def restricted_cubic_spline(
    x: Float[np.ndarray, " n"], *, knots: Float[np.ndarray, " knots"]
) -> Float[np.ndarray, "n columns"]:
    """Columns x and knots - 2 cubics that are straight together beyond the outer knots.

    Raises:
        ValueError: fewer than three knots, or knots that do not increase.

    Example:
        >>> restricted_cubic_spline(np.array([0.0, 1.0, 2.0]), knots=np.array([0.0, 1.0, 2.0]))
        array([[0.  , 0.  ],
               [1.  , 0.25],
               [2.  , 1.5 ]])

    Source: Harrell (2015), doi:10.1007/978-3-319-19425-7, equation 2.25.
    """
    knots = np.asarray(knots, dtype=float)
    if len(knots) < 3 or not (np.diff(knots) > 0).all():
        raise ValueError(f"knots at {knots.round(3)}: three or more, each above the one before")
    *inner, last_but_one, last = knots
    gap = last - last_but_one

    def cube(knot: float) -> np.ndarray:
        return np.clip(x - knot, 0, None) ** 3

    columns = [
        cube(k) - cube(last_but_one) * (last - k) / gap + cube(last) * (last_but_one - k) / gap
        for k in inner
    ]
    return np.column_stack([x, *(column / (last - knots[0]) ** 2 for column in columns)])
