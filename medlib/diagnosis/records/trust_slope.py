"""How far probabilities may be trusted: the slope that would mend them, with its interval."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int
from scipy.special import expit, logit

from medlib.experiment.estimate import Estimate
from medlib.measures.calibration import fit_logit_line

__all__ = ["trust_slope"]

_EDGE = 1e-12


def trust_slope(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"], *, level: float = 0.95
) -> Estimate:
    r"""The slope of the outcome's logistic regression on logit p, with Wald's interval.

    1 = as sure as it may be; below 1 = too extreme, risks called high are not so high and risks
    called low not so low; above 1 = too timid. Its variance is the inverse of the information
    $\sum_i \pi_i (1 - \pi_i) (1, x_i)^\top (1, x_i)$ at the fit, x the logit.

    The interval is over these cases, with the probabilities as they are. Where they were calibrated
    on other cases, the uncertainty of that calibration is not in it; over repetitions that draw
    both anew it is.

    Args:
        probabilities: of label 1.
        labels: 0 or 1.
        level: confidence of the interval.

    Raises:
        ValueError: as `fit_logit_line`, or equal probabilities, which have no slope.

    Example:
        >>> p, y = np.repeat([0.01, 0.99], 10), np.repeat([0, 1, 0, 1], [8, 2, 2, 8])
        >>> round(trust_slope(p, y).value, 2)
        0.3

    Source: Cox (1958), doi:10.1093/biomet/45.3-4.562.
    """
    if np.ptp(probabilities) == 0:
        raise ValueError("all probabilities are equal: they have no slope")
    line = fit_logit_line(probabilities, labels)
    x = logit(np.clip(np.asarray(probabilities, float), _EDGE, 1 - _EDGE))
    share = expit(line.slope * x + line.offset)
    weight = share * (1 - share)
    spread = weight @ x**2 - (weight @ x) ** 2 / weight.sum()  # of the information, for the slope
    reach = scipy.stats.norm.ppf((1 + level) / 2) / np.sqrt(spread)
    return Estimate(line.slope, line.slope - reach, line.slope + reach, n=len(x), level=level)
