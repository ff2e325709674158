"""The Brier score, what part of it is miscalibration, and what it is worth beside the prevalence.

    mean (p - y)² = miscalibration - discrimination + uncertainty

Uncertainty is the score of whoever tells all patients the prevalence. Discrimination is how much
better the same ranking could do, with its risks put right; miscalibration what is lost because they
are not. They are put right by the best monotone curve, so that no bins are chosen and the sum is
exact.

Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; the three parts, Murphy
(1973), doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; by a monotone curve, Dimitriadis,
Gneiting and Jordan (2021), doi:10.1073/pnas.2016191118.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Integer, Real
from sklearn.isotonic import IsotonicRegression

from medlib.experiment.estimate import Estimate
from medlib.measures.mean_interval import mean_interval
from medlib.translation.validity.calibration_of_risk import checked_risks

__all__ = ["Brier", "brier"]


@dataclass(frozen=True)
class Brier:
    """The score, its parts and its scaled form.

    Attributes:
        score: lower = better, 0 = perfect; n counts patients.
        scaled: 1 - score/uncertainty: 1 = perfect, 0 = no better than the prevalence, may be
            below.
        miscalibration: at least 0; above 0 by chance alone where patients are few.
        discrimination: at least 0; higher = better.
        uncertainty: prevalence · (1 - prevalence).
    """

    score: Estimate
    scaled: Estimate
    miscalibration: float
    discrimination: float
    uncertainty: float


def brier(
    risks: Real[np.ndarray, " n"], labels: Integer[np.ndarray, " labels"], *, level: float = 0.95
) -> Brier:
    """Brier score of risks, with intervals over patients.

    The interval of the score is Student's, that of the scaled score normal, by the influence of
    each patient on score and prevalence together.

    Args:
        risks: told to each patient, 0..1.
        labels: 1 = it happened.
        level: confidence.

    Raises:
        ValueError: as `calibration_of_risk.checked_risks`, or labels of one kind only.

    Example:
        >>> found = brier(np.array([0.2, 0.2, 0.6, 0.6]), np.array([0, 1, 0, 1]))
        >>> round(found.score.value, 2), round(found.scaled.value, 2)
        (0.3, -0.2)

    Source: scaled, Steyerberg et al. (2010), doi:10.1097/EDE.0b013e3181c30fb2; the others as above.
    """
    risks, labels = checked_risks(risks, labels)
    if labels.min() == labels.max():
        raise ValueError(f"all {len(labels)} labels are {labels[0]}: nothing was uncertain")
    squares = (risks - labels) ** 2
    score = mean_interval(squares, level=level, within=(0.0, 1.0))
    share = labels.mean()
    uncertainty = share * (1 - share)
    put_right = IsotonicRegression(y_min=0, y_max=1).fit_transform(risks, labels)
    at_best = ((put_right - labels) ** 2).mean()
    relative = score.value / uncertainty
    influence = (squares - score.value) - relative * (1 - 2 * share) * (labels - share)
    error = influence.std(ddof=1) / uncertainty / np.sqrt(len(labels))
    reach, scaled = scipy.stats.norm.ppf((1 + level) / 2) * error, 1 - relative
    return Brier(
        score=score,
        scaled=Estimate(
            scaled, scaled - reach, min(scaled + reach, 1.0), n=len(labels), level=level
        ),
        miscalibration=float(max(score.value - at_best, 0.0)),
        discrimination=float(max(uncertainty - at_best, 0.0)),
        uncertainty=float(uncertainty),
    )
