"""Are risks right on average, and are they spread as they should be? Intercept, slope, ratio.

With L = logit p, of the risk p that was told to each patient, and y what then happened:

    in the large:  logit P(y = 1) = a + L        a = 0: as many events as were told
    slope:         logit P(y = 1) = a' + b · L   b = 1; below 1, high risks too high, low too low

The intercept in the large is `a`, with L as an offset, never the a' beside a fitted slope. No AUC
sees any of it: every monotone map of p has the same AUC.

Source: Cox (1958), doi:10.1093/biomet/45.3-4.562; Van Calster et al. (2016), who call it weak
calibration, doi:10.1016/j.jclinepi.2015.12.005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Integer, Real
from scipy.optimize import brentq
from scipy.special import expit, logit

from medlib.experiment.estimate import Estimate

__all__ = ["RiskCalibration", "calibration_of_risk", "logistic_fit", "observed_over_expected"]

_EDGE = 1e-12  # risks nearer to 0 or 1 are moved here: whoever told 0 and was wrong is told so
_FAR = 60.0  # a coefficient that is sought beyond this has no end


@dataclass(frozen=True)
class RiskCalibration:
    """Intercept in the large and slope, each with its profile-likelihood interval.

    Attributes:
        intercept: 0 = right on average; above 0 = too few events were told.
        slope: 1 = right spread; below 1 = risks too extreme, as those of an overfitted model.
        beside_slope: the intercept of the model with the slope; no measure of calibration.
        p_value: likelihood ratio of "intercept 0 and slope 1", two degrees of freedom.
    """

    intercept: Estimate
    slope: Estimate
    beside_slope: float
    p_value: float


def calibration_of_risk(
    risks: Real[np.ndarray, " n"], labels: Integer[np.ndarray, " labels"], *, level: float = 0.95
) -> RiskCalibration:
    """Calibration intercept and slope of risks that were not learned from these patients.

    Args:
        risks: told to each patient, 0..1.
        labels: 1 = it happened.
        level: confidence; the interval holds all values that the likelihood does not refuse.

    Raises:
        ValueError: lengths differ, a risk outside 0..1, labels of one kind only, equal risks, or
            risks that part the labels without an error, whose slope has no end.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> true = rng.normal(size=2000)
        >>> labels = (rng.random(2000) < expit(true)).astype(int)
        >>> found = calibration_of_risk(expit(2 * true), labels)
        >>> f"{found.slope:.2ci}"
        '0.51 [0.45, 0.57]'

    Source: Cox (1958); profile likelihood, Venzon and Moolgavkar (1988), doi:10.2307/2347496.
    """
    risks, labels = checked_risks(risks, labels)
    line = logit(np.clip(risks, _EDGE, 1 - _EDGE))
    if labels.min() == labels.max():
        raise ValueError(f"all {len(labels)} labels are {labels[0]}: there is nothing to calibrate")
    if not np.ptp(line) > 0:
        raise ValueError("all risks are equal: they have no slope")
    if (m := _parted(line, labels)) is not None:
        raise ValueError(f"risks part the labels at {expit(m):.3g} without an error: no slope fits")
    ones = np.ones((len(line), 1))
    critical = scipy.stats.chi2.ppf(level, 1)
    (large,), _, at_large = logistic_fit(ones, labels, offset=line)
    (beside, slope), _, best = logistic_fit(np.column_stack([ones, line]), labels)
    told = _log_likelihood(line, labels)

    def in_the_large(a: float) -> float:
        return 2 * (at_large - _log_likelihood(a + line, labels)) - critical

    def with_slope(b: float) -> float:
        return 2 * (best - logistic_fit(ones, labels, offset=b * line)[2]) - critical

    n = len(line)
    return RiskCalibration(
        intercept=Estimate(float(large), *_ends(in_the_large, large), n=n, level=level),
        slope=Estimate(float(slope), *_ends(with_slope, slope), n=n, level=level),
        beside_slope=float(beside),
        p_value=float(scipy.stats.chi2.sf(max(2 * (best - told), 0.0), 2)),
    )


def observed_over_expected(
    risks: Real[np.ndarray, " n"], labels: Integer[np.ndarray, " labels"], *, level: float = 0.95
) -> Estimate:
    """Events that came over events that were told; 1 = right on average.

    The interval is normal on the log scale, of the observed share.

    Raises:
        ValueError: as `calibration_of_risk`, or all risks are 0.

    Example:
        >>> round(observed_over_expected(np.full(10, 0.2), np.repeat([0, 1], [6, 4])).value, 2)
        2.0

    Source: Debray et al. (2017), doi:10.1136/bmj.i6460.
    """
    risks, labels = checked_risks(risks, labels)
    if labels.min() == labels.max() or not risks.sum() > 0:
        raise ValueError("no ratio: labels of one kind only, or no event was told")
    share, n = labels.mean(), len(labels)
    ratio = share / risks.mean()
    reach = scipy.stats.norm.ppf((1 + level) / 2) * np.sqrt((1 - share) / (n * share))
    return Estimate(ratio, ratio * np.exp(-reach), ratio * np.exp(reach), n=n, level=level)


def logistic_fit(
    design: Float[np.ndarray, "n columns"],
    labels: Integer[np.ndarray, " n"],
    *,
    offset: Float[np.ndarray, " n"] | None = None,
    max_steps: int = 100,
) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, "columns columns"], float]:
    """Logistic regression without any shrinkage, by Newton's method with halved steps.

    Returns:
        Coefficients, their covariance (inverse information), and the log-likelihood in nats.

    Raises:
        ValueError: no maximum is found.

    Example:
        >>> beta, _, _ = logistic_fit(np.ones((4, 1)), np.array([0, 0, 0, 1]))
        >>> beta.round(4)
        array([-1.0986])

    Source: McCullagh and Nelder (1989), doi:10.1201/9780203753736, chapter 4.
    """
    offset = np.zeros(len(labels)) if offset is None else offset
    beta = np.zeros(design.shape[1])
    value = _log_likelihood(offset, labels)
    for _ in range(max_steps):
        p = expit(offset + design @ beta)
        information = design.T @ (design * (p * (1 - p))[:, None])
        gradient = design.T @ (labels - p)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            break
        if value > -1e-6:  # every label told with certainty: the columns part them
            break
        if gradient @ step < 1e-18 * (1 + abs(value)):
            return beta, np.linalg.inv(information), value
        for _ in range(40):
            further = _log_likelihood(offset + design @ (beta + step), labels)
            if further > value:
                beta, value = beta + step, further
                break
            step = step / 2
        else:  # no step goes up: the end of what doubles can tell
            return beta, np.linalg.inv(information), value
    raise ValueError("the likelihood has no maximum: the columns part the labels, or repeat")


def checked_risks(risks: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as arrays, if there is one risk in 0..1 and one label of 0 or 1 a patient."""
    risks, labels = np.asarray(risks, dtype=float), np.asarray(labels)
    if risks.ndim != 1 or risks.shape != labels.shape or len(risks) == 0:
        raise ValueError(f"risks {risks.shape}, labels {labels.shape}: one of each a patient")
    if not ((risks >= 0) & (risks <= 1)).all():
        raise ValueError(f"risks run from {risks.min():g} to {risks.max():g}; they lie in 0..1")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels are 0 or 1")
    return risks, labels.astype(int)


def _log_likelihood(line: np.ndarray, labels: np.ndarray) -> float:
    return float(labels @ line - np.logaddexp(0, line).sum())


def _parted(line: np.ndarray, labels: np.ndarray) -> float | None:
    """Where a threshold parts the labels without error, if one does."""
    for below, above in ((0, 1), (1, 0)):
        least, most = line[labels == above].min(), line[labels == below].max()
        if least >= most:
            return float((least + most) / 2)
    return None


def _ends(excess, middle: float) -> tuple[float, float]:
    """Where a profile deviance, below 0 in the middle, reaches 0 to either side."""
    ends = []
    for sign in (-1.0, 1.0):
        reach = 0.1
        while excess(middle + sign * reach) < 0:
            reach *= 2
            if reach > _FAR:
                raise ValueError("the likelihood refuses nothing on one side: too few patients")
        inner, outer = sorted((middle, middle + sign * reach))
        ends.append(float(brentq(excess, inner, outer, xtol=1e-10)))
    return ends[0], ends[1]
