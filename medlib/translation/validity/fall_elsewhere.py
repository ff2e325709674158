"""How far an AUC falls in another cohort, and how much of that the risks alone foretold.

    fall      = AUC at home - AUC elsewhere
    foretold  = AUC at home - the AUC that the risks told elsewhere should give, if they are true
    missing   = AUC elsewhere - that AUC

No outcome from elsewhere is needed for the second. What the model fails beyond that is its own, if
its interval does not hold nought.

Source: van Klaveren et al. (2016), doi:10.1002/sim.6997; Debray et al. (2015),
doi:10.1016/j.jclinepi.2014.06.018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Integer, Real

from medlib.experiment.estimate import Estimate
from medlib.translation.validity.case_mix import expected_auc, weighted_auc
from medlib.translation.validity.delong import delong

__all__ = ["Fall", "fall_elsewhere"]


@dataclass(frozen=True)
class Fall:
    """Of patients at home and of others elsewhere.

    Attributes:
        home, elsewhere: AUC, by DeLong.
        expected: what it should be elsewhere by the told risks; no outcome enters.
        fall: home - elsewhere; n counts the patients elsewhere.
        beyond_half: above 0 if more than half of the fall was foretold:
            (home - expected) - fall/2.
        missing: AUC elsewhere less the expected one; below 0, the model ranks worse there than its
            own risks say. By the bootstrap over the patients elsewhere, who make both.
    """

    home: Estimate
    elsewhere: Estimate
    expected: float
    fall: Estimate
    beyond_half: Estimate
    missing: Estimate


def fall_elsewhere(
    home: tuple[Real[np.ndarray, " n"], Integer[np.ndarray, " n"]],
    elsewhere: tuple[Real[np.ndarray, " m"], Integer[np.ndarray, " m"]],
    *,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Fall:
    """Compare the AUC of the same model's risks in two cohorts that share no patient.

    Args:
        home, elsewhere: told risks and what happened, 0 or 1, of either cohort.
        rng: draws patients elsewhere, for what is missing.
        n_resamples: bootstrap samples; one with a single outcome is drawn anew.
        level: of all intervals, over the patients of both cohorts, for these risks; the expected
            AUC is taken as it is for those who are elsewhere, except in what is missing.

    Raises:
        ValueError: as `delong` and `expected_auc`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> wide, narrow = rng.uniform(0, 1, size=3000), rng.uniform(0.3, 0.7, size=3000)
        >>> found = fall_elsewhere(
        ...     *((p, (rng.random(3000) < p).astype(int)) for p in (wide, narrow)), rng=rng,
        ...     n_resamples=100)
        >>> found.fall.low > 0, found.beyond_half.low > 0, found.missing.high > 0
        (True, True, True)

    Source: as the module.
    """
    areas = [delong(np.asarray(risks)[None], labels) for risks, labels in (home, elsewhere)]
    at_home, there = (float(area.values[0]) for area in areas)
    variances = [float(area.covariance[0, 0]) for area in areas]
    expected = expected_auc(elsewhere[0])
    error = float(np.sqrt(sum(variances)))
    reach = float(scipy.stats.norm.ppf((1 + level) / 2)) * error
    n = len(elsewhere[1])

    def within(value: float, share: float) -> Estimate:
        return Estimate(value, value - share * reach, value + share * reach, n=n, level=level)

    return Fall(
        home=areas[0].area(0, level=level),
        elsewhere=areas[1].area(0, level=level),
        expected=expected,
        fall=within(at_home - there, 1.0),
        beyond_half=within((at_home + there) / 2 - expected, 0.5),
        missing=_missing(*elsewhere, rng=rng, n_resamples=n_resamples, level=level),
    )


def _missing(risks, labels, *, rng, n_resamples: int, level: float) -> Estimate:
    """AUC less the expected one, with percentiles of resamples of patients."""
    risks, labels = np.asarray(risks, dtype=float), np.asarray(labels)
    drawn = []
    while len(drawn) < n_resamples:
        who = rng.integers(len(labels), size=len(labels))
        if 0 < labels[who].sum() < len(labels):
            drawn.append(weighted_auc(risks[who], labels[who]) - expected_auc(risks[who]))
    value = weighted_auc(risks, labels) - expected_auc(risks)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, min(low, value), max(high, value), n=len(labels), level=level)
