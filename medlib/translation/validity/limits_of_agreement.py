"""Bland and Altman's limits of agreement: how far two methods may differ on the next patient.

Of differences d of two methods, one a subject, 95 % lie between mean ± 1.96 SD. The limits are
estimates, and have intervals of their own; how far apart they may be is a clinical question that
no correlation answers.

Source: Bland and Altman (1986), doi:10.1016/S0140-6736(86)90837-8, and (1999),
doi:10.1177/096228029900800204.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Real

from medlib.experiment.estimate import Estimate

__all__ = [
    "Limits",
    "ProportionalBias",
    "limits_of_agreement",
    "limits_with_replicates",
    "proportional_bias",
]


@dataclass(frozen=True)
class Limits:
    """The bias, first minus second, and the limits below and above it, each with its interval.

    Attributes:
        bias, lower, upper: in the unit of the methods; n counts subjects.
        sd: of the difference between one reading by each method.
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate
    sd: float


@dataclass(frozen=True)
class ProportionalBias:
    """The line difference = intercept + slope · mean, and the scatter about it.

    A slope is no proof of a proportional bias: if one method has more error than the other, the
    difference goes with the mean though both are right on average.
    """

    intercept: Estimate
    slope: Estimate
    residual_sd: float
    reach: float

    def limits(self, mean: Float[np.ndarray, " values"]) -> Float[np.ndarray, "3 values"]:
        """Bias, lower and upper limit where the two methods' mean is `mean`."""
        line = self.intercept.value + self.slope.value * np.asarray(mean, dtype=float)
        return np.stack([line, line - self.reach, line + self.reach])


def limits_of_agreement(
    first: Real[np.ndarray, " n"],
    second: Real[np.ndarray, " n"],
    *,
    unit: str = "",
    share: float = 0.95,
    level: float = 0.95,
    method: str = "exact",
) -> Limits:
    """Limits of agreement of two methods, one reading of each subject by each.

    Args:
        first, second: readings of the same subjects.
        unit: of both.
        share: of the differences that shall lie between the limits.
        level: confidence of each interval.
        method: "exact", by the noncentral t distribution, or "approximate", Bland and Altman's
            limit ± t · SD √(1/n + z²/(2(n - 1))), which is too short outwards when n is small.

    Raises:
        ValueError: lengths differ, fewer than three subjects, a reading that is not finite, equal
            differences, or an unknown method.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> true = rng.normal(50, 10, size=400)
        >>> a, b = (true + rng.normal(size=400) for _ in "ab")
        >>> f"{limits_of_agreement(a, b, unit='ml').upper:.1ci}"
        '2.7 ml [2.5, 3.0]'

    Source: exact, Carkeet (2015), doi:10.1097/OPX.0000000000000513; approximate, Bland and Altman
    (1999).
    """
    difference = _pairs(first, second)[0]
    _is_share(share, level)
    n, z = len(difference), scipy.stats.norm.ppf((1 + share) / 2)
    bias, sd = difference.mean(), difference.std(ddof=1)
    inner, outer = _reaches(n, z, level, method)
    reach = scipy.stats.t.ppf((1 + level) / 2, n - 1) * sd / np.sqrt(n)

    def estimate(value, low, high):
        return Estimate(float(value), float(low), float(high), n=n, unit=unit, level=level)

    return Limits(
        bias=estimate(bias, bias - reach, bias + reach),
        lower=estimate(bias - z * sd, bias - outer * sd, bias - inner * sd),
        upper=estimate(bias + z * sd, bias + inner * sd, bias + outer * sd),
        sd=float(sd),
    )


def limits_with_replicates(
    first: Real[np.ndarray, "n repeats"],
    second: Real[np.ndarray, "n others"],
    *,
    unit: str = "",
    share: float = 0.95,
    level: float = 0.95,
) -> Limits:
    """Limits for single readings, out of several readings of each subject by each method.

    The true value of a subject stays while it is measured again. Means of k readings differ less
    than readings do, so the variance within subjects is put back:

        σ² = var(mean difference) + (1 - 1/k₁) s₁² + (1 - 1/k₂) s₂²

    Args:
        first, second: readings of the same subjects, as many a subject as there are columns; their
            order within a subject means nothing.
        unit, share, level: as `limits_of_agreement`.

    Returns:
        Limits; intervals by variance estimates recovery, of the bias and of σ.

    Raises:
        ValueError: as `limits_of_agreement`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> true = rng.normal(50, 10, size=(400, 1))
        >>> a, b = (true + rng.normal(size=(400, k)) for k in (2, 3))
        >>> round(limits_with_replicates(a, b).sd, 1)
        1.4

    Source: Bland and Altman (1999); intervals, Zou (2013), doi:10.1177/0962280211402548.
    """
    means = [np.asarray(readings, dtype=float).mean(axis=1) for readings in (first, second)]
    difference = _pairs(*means)[0]
    _is_share(share, level)
    n, z = len(difference), scipy.stats.norm.ppf((1 + share) / 2)
    parts, freedoms = [difference.var(ddof=1)], [n - 1]
    for readings in (first, second):
        k = readings.shape[1]
        if k > 1:
            parts.append((1 - 1 / k) * np.var(readings, axis=1, ddof=1).mean())
            freedoms.append(n * (k - 1))
    parts, freedoms = np.array(parts), np.array(freedoms)
    shrink, stretch = (
        freedoms / scipy.stats.chi2.ppf((1 + sign * level) / 2, freedoms) for sign in (1, -1)
    )
    variance = parts.sum()
    least = max(variance - np.linalg.norm((1 - shrink) * parts), 0.0)
    most = variance + np.linalg.norm((stretch - 1) * parts)
    bias, sd = difference.mean(), np.sqrt(variance)
    reach = scipy.stats.t.ppf((1 + level) / 2, n - 1) * np.sqrt(parts[0] / n)
    inwards = np.hypot(reach, z * (sd - np.sqrt(least)))
    outwards = np.hypot(reach, z * (np.sqrt(most) - sd))

    def estimate(value, below, above):
        return Estimate(value, value - below, value + above, n=n, unit=unit, level=level)

    return Limits(
        bias=estimate(bias, reach, reach),
        lower=estimate(bias - z * sd, outwards, inwards),
        upper=estimate(bias + z * sd, inwards, outwards),
        sd=float(sd),
    )


def proportional_bias(
    first: Real[np.ndarray, " n"],
    second: Real[np.ndarray, " n"],
    *,
    unit: str = "",
    share: float = 0.95,
    level: float = 0.95,
) -> ProportionalBias:
    """Regression of the difference on the mean of the two methods, with Student's intervals.

    Args:
        first, second: readings of the same subjects.
        unit: of both; the slope has none.
        share: of differences between the limits that follow the line.
        level: confidence.

    Raises:
        ValueError: as `limits_of_agreement`, or all means are equal.

    Example:
        >>> true = np.arange(1.0, 9.0)
        >>> round(proportional_bias(1.1 * true, true + 0.1 * (-1) ** np.arange(8)).slope.value, 2)
        0.1

    Source: Bland and Altman (1999), section 3.
    """
    difference, mean = _pairs(first, second)
    _is_share(share, level)
    n = len(difference)
    if not np.ptp(mean) > 0:
        raise ValueError("the methods' mean is the same for all subjects: no line fits")
    line = scipy.stats.linregress(mean, difference)
    t = scipy.stats.t.ppf((1 + level) / 2, n - 2)
    residuals = difference - line.intercept - line.slope * mean
    sd = float(np.sqrt((residuals**2).sum() / (n - 2)))
    ends = [
        Estimate(value, value - t * error, value + t * error, n=n, unit=of, level=level)
        for value, error, of in (
            (line.intercept, line.intercept_stderr, unit),
            (line.slope, line.stderr, ""),
        )
    ]
    reach = float(scipy.stats.norm.ppf((1 + share) / 2) * sd)
    return ProportionalBias(*ends, residual_sd=sd, reach=reach)


def _reaches(n: int, z: float, level: float, method: str) -> tuple[float, float]:
    """How many SD from the mean the interval of an upper limit begins and ends."""
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "exact":
        ends = scipy.stats.nct.ppf(tails, n - 1, z * np.sqrt(n)) / np.sqrt(n)
    elif method == "approximate":
        error = np.sqrt(1 / n + z**2 / (2 * (n - 1)))
        ends = z + scipy.stats.t.ppf(tails, n - 1) * error
    else:
        raise ValueError(f'method={method!r}: "exact" or "approximate"')
    return float(ends[0]), float(ends[1])


def _pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 3:
        raise ValueError(
            f"first {first.shape}, second {second.shape}: readings of the same three subjects or"
            " more by each method"
        )
    difference = first - second
    if not np.isfinite(difference).all():
        raise ValueError("a reading is not finite; leave its subject out, and say so")
    if not np.ptp(difference) > 0:
        raise ValueError(f"all differences are {difference[0]:g}: nothing disagrees by chance")
    return difference, (first + second) / 2


def _is_share(share: float, level: float) -> None:
    for name, value in (("share", share), ("level", level)):
        if not 0 < value < 1:
            raise ValueError(f"{name}={value}: give a share between 0 and 1, e.g. 0.95")
