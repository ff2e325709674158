"""How far repeated measurements of one patient lie apart: SD, CV, repeatability, reproducibility.

Repeatability is what remains when nothing is changed: the same scanner, operator and day.
Reproducibility is what remains when something is: here the condition, such as the scanner.

    s_w = √(mean of the subjects' variances)
    RC  = 1.96 √2 s_w     (of 95 % of pairs of repeats the difference is smaller)
    RDC = 1.96 √2 √(σ²_condition + σ²_interaction + σ²_error)

Neither asks whether the measurement means anything.

Source: Raunig et al. (2015), for the Quantitative Imaging Biomarkers Alliance,
doi:10.1177/0962280214537344; Bland and Altman (1996) on s_w, doi:10.1136/bmj.313.7059.744.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Real

from medlib.experiment.estimate import Estimate

__all__ = [
    "RelativeRepeatability",
    "Reproducibility",
    "cv_log",
    "cv_root_mean_square",
    "relative_repeatability",
    "repeatability_coefficient",
    "reproducibility",
    "within_subject_sd",
]

_REACH = scipy.stats.norm.ppf(0.975) * np.sqrt(2)  # 1.96 √2, of the difference of two repeats
_NO_END = 10.0  # an SD of ln x beyond this is a factor of more than 20,000


@dataclass(frozen=True)
class RelativeRepeatability:
    """Ends, in per cent of the first, within which 95 % of second measurements lie.

    They are not symmetric: what may fall by a half may double.
    """

    fall_percent: Estimate
    rise_percent: Estimate


@dataclass(frozen=True)
class Reproducibility:
    """Parts of the variance of one measurement, and the two coefficients.

    Attributes:
        subjects, conditions, interaction, error: components of variance, in the unit squared; one
            that comes out negative is left so. `interaction` holds the error if there are no
            replicates, and `error` is then nan.
        repeatability: RC; nan, hence None, without replicates.
        reproducibility: RDC; its n is the number of conditions, as its interval knows no more.
    """

    subjects: float
    conditions: float
    interaction: float
    error: float
    repeatability: Estimate | None
    reproducibility: Estimate


def within_subject_sd(
    scores: Real[np.ndarray, "subjects repeats"], *, unit: str = "", level: float = 0.95
) -> Estimate:
    """Standard deviation of repeats of one subject, with the chi-square interval.

    Args:
        scores: repeats of each subject, without gaps.
        unit: of the scores.
        level: confidence; exact for normal errors of one size for all subjects.

    Returns:
        s_w in the unit of the scores; n counts subjects.

    Raises:
        ValueError: no repeats, a score that is not finite, or none that differs from its repeat.

    Example:
        >>> f"{within_subject_sd(np.array([[1.0, 3.0], [5.0, 5.0]]), unit='ml'):.1ci}"
        '1.0 ml [0.5, 6.3]'

    Source: Bland and Altman (1996), doi:10.1136/bmj.313.7059.744.
    """
    scores = _checked(scores, ndim=2)
    variance = scores.var(axis=1, ddof=1).mean()
    return _root(variance, scores, unit, level)


def repeatability_coefficient(
    scores: Real[np.ndarray, "subjects repeats"], *, unit: str = "", level: float = 0.95
) -> Estimate:
    """RC = 1.96 √2 s_w: 95 % of pairs of repeats of one subject differ by less.

    Raises:
        ValueError: as `within_subject_sd`.

    Example:
        >>> found = repeatability_coefficient(np.array([[1.0, 3.0], [5.0, 5.0]]), unit="ml")
        >>> round(found.value, 2)
        2.77

    Source: Raunig et al. (2015), doi:10.1177/0962280214537344.
    """
    return _scaled(within_subject_sd(scores, unit=unit, level=level), _REACH)


def cv_root_mean_square(
    scores: Real[np.ndarray, "subjects repeats"], *, level: float = 0.95
) -> Estimate:
    """Within-subject coefficient of variation √(mean of s_i²/x̄_i²).

    The mean of the s_i/x̄_i would be too small: a standard deviation of two numbers falls short.
    The interval takes s_i²/x̄_i² for chi-square, which is nearly so while the CV is below 0.2.

    Args:
        scores: repeats of each subject, all above 0.
        level: confidence.

    Returns:
        A share, 0.1 = 10 %; n counts subjects.

    Raises:
        ValueError: as `within_subject_sd`, or a score that is not above 0.

    Example:
        >>> round(cv_root_mean_square(np.array([[9.0, 11.0], [90.0, 110.0]])).value, 3)
        0.141

    Source: Raunig et al. (2015), doi:10.1177/0962280214537344.
    """
    scores = _positive(scores)
    relative = scores.var(axis=1, ddof=1) / scores.mean(axis=1) ** 2
    return _root(relative.mean(), scores, "", level)


def cv_log(scores: Real[np.ndarray, "subjects repeats"], *, level: float = 0.95) -> Estimate:
    """Within-subject coefficient of variation √(exp s² - 1), s the within-subject SD of ln x.

    Exact, with its interval, where errors multiply (ln x is normal).

    Raises:
        ValueError: as `cv_root_mean_square`.

    Example:
        >>> round(cv_log(np.array([[9.0, 11.0], [90.0, 110.0]])).value, 3)
        0.143

    Source: Bland and Altman (1996), doi:10.1136/bmj.313.7049.106; Raunig et al. (2015).
    """
    s = _log_sd(scores, level)
    value, low, high = (float(np.sqrt(np.expm1(x**2))) for x in (s.value, s.low, s.high))
    return Estimate(value, low, high, n=s.n, level=level)


def relative_repeatability(
    scores: Real[np.ndarray, "subjects repeats"], *, level: float = 0.95
) -> RelativeRepeatability:
    """The repeatability coefficient where errors multiply: 100 (exp(±1.96 √2 s) - 1) per cent.

    Raises:
        ValueError: as `cv_root_mean_square`.

    Example:
        >>> found = relative_repeatability(np.array([[9.0, 11.0], [90.0, 110.0]]))
        >>> round(found.fall_percent.value), round(found.rise_percent.value)
        (-33, 48)

    Source: Raunig et al. (2015), doi:10.1177/0962280214537344.
    """
    s = _log_sd(scores, level)
    ends = []
    for sign in (-1, 1):
        value, *bounds = (
            float(100 * np.expm1(sign * _REACH * x)) for x in (s.value, s.low, s.high)
        )
        ends.append(Estimate(value, min(bounds), max(bounds), n=s.n, unit="%", level=level))
    return RelativeRepeatability(*ends)


def reproducibility(
    scores: Real[np.ndarray, "subjects conditions replicates"],
    *,
    unit: str = "",
    level: float = 0.95,
) -> Reproducibility:
    """Repeatability and reproducibility out of a two-way model with interaction.

    score = mean + subject + condition + (subject by condition) + error, all but the mean random.
    The variance of a single reading about its subject is a sum of mean squares with weights above
    zero, so that it needs no truncation, and Graybill and Wang's interval fits. With two scanners
    its upper end is some twenty times the estimate: that is what two scanners know about scanners.

    Args:
        scores: replicates of each subject under each condition; one replicate will do.
        unit: of the scores.
        level: confidence.

    Raises:
        ValueError: fewer than two subjects or conditions, a score that is not finite, or no error.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> patient, scanner = 5 * rng.normal(size=(80, 1, 1)), rng.normal(size=(1, 12, 1))
        >>> found = reproducibility(patient + scanner + 0.5 * rng.normal(size=(80, 12, 2)))
        >>> f"{found.repeatability:.1ci}", f"{found.reproducibility:.1ci}"
        ('1.4 [1.3, 1.5]', '3.2 [2.4, 5.0]')

    Source: Graybill and Wang (1980), doi:10.1080/01621459.1980.10477565; Raunig et al. (2015).
    """
    scores = _checked(scores, ndim=3)
    n, c, r = scores.shape
    cells = scores.mean(axis=2)
    by_subject, by_condition, middle = cells.mean(1), cells.mean(0), cells.mean()
    left = cells - by_subject[:, None] - by_condition + middle
    ms_subject = c * r * ((by_subject - middle) ** 2).sum() / (n - 1)
    ms_condition = n * r * ((by_condition - middle) ** 2).sum() / (c - 1)
    ms_cell = r * (left**2).sum() / ((n - 1) * (c - 1))
    ms_error = ((scores - cells[:, :, None]) ** 2).sum() / (n * c * (r - 1)) if r > 1 else np.nan
    squares, weights = [ms_condition, ms_cell], [1 / (n * r), (n - 1) / (n * r)]
    freedoms = [c - 1, (n - 1) * (c - 1)]
    if r > 1:
        squares, weights = [*squares, ms_error], [*weights, 1 - 1 / r]
        freedoms = [*freedoms, n * c * (r - 1)]
    total, low, high = _sum_of_squares(*map(np.array, (squares, weights, freedoms)), level)
    if not total > 0:
        raise ValueError("all readings of each subject agree: nothing varies but the subjects")
    ends = (float(_REACH * np.sqrt(variance)) for variance in (total, low, high))
    again = None
    if r > 1:
        again = _scaled(
            _root(ms_error, scores.reshape(n * c, r), unit, level, n=n),
            _REACH,
        )
    return Reproducibility(
        subjects=float((ms_subject - ms_cell) / (c * r)),
        conditions=float((ms_condition - ms_cell) / (n * r)),
        interaction=float((ms_cell - ms_error) / r if r > 1 else ms_cell),
        error=float(ms_error),
        repeatability=again,
        reproducibility=Estimate(*ends, n=c, unit=unit, level=level),
    )


def _sum_of_squares(
    squares: Float[np.ndarray, " terms"],
    weights: Float[np.ndarray, " terms"],
    freedoms: np.ndarray,
    level: float,
) -> tuple[float, float, float]:
    """Σ weight · mean square, and the modified large-sample interval of its expectation."""
    parts = weights * squares
    below = 1 - freedoms / scipy.stats.chi2.ppf((1 + level) / 2, freedoms)
    above = freedoms / scipy.stats.chi2.ppf((1 - level) / 2, freedoms) - 1
    total = parts.sum()
    low, high = total - np.linalg.norm(below * parts), total + np.linalg.norm(above * parts)
    return float(total), float(max(low, 0.0)), float(high)


def _root(
    variance: float, scores: np.ndarray, unit: str, level: float, *, n: int | None = None
) -> Estimate:
    """√variance with its chi-square interval; each row gives columns - 1 degrees of freedom."""
    if not variance > 0:
        raise ValueError("all repeats of each subject agree: there is no error to measure")
    df = scores.shape[0] * (scores.shape[1] - 1)
    ends = scipy.stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], df)
    low, high = (float(np.sqrt(variance * df / end)) for end in ends)
    return Estimate(float(np.sqrt(variance)), low, high, n=n or len(scores), unit=unit, level=level)


def _log_sd(scores: np.ndarray, level: float) -> Estimate:
    s = within_subject_sd(np.log(_positive(scores)), level=level)
    if s.high > _NO_END:
        raise ValueError(
            f"the SD of ln x reaches up to {s.high:.0f}: so few subjects give a relative error no"
            " upper end"
        )
    return s


def _scaled(found: Estimate, factor: float) -> Estimate:
    ends = (float(factor * x) for x in (found.value, found.low, found.high))
    return Estimate(*ends, n=found.n, unit=found.unit, level=found.level)


def _positive(scores: np.ndarray) -> np.ndarray:
    scores = _checked(scores, ndim=2)
    if not (scores > 0).all():
        raise ValueError(f"a score is {scores.min():g}; a relative error needs scores above 0")
    return scores


def _checked(scores: np.ndarray, *, ndim: int) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != ndim or 0 in scores.shape or scores.shape[1] < 2:
        raise ValueError(
            f"scores of shape {scores.shape}: two columns (repeats, conditions) or more"
        )
    if ndim == 3 and len(scores) < 2:
        raise ValueError("one subject: a two-way model needs two or more")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite; leave its subject out, and say so")
    return scores
