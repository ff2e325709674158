"""Intraclass correlation: the share of a measurement's variance that lies between subjects.

n subjects, each measured k times, by k raters, scanners or visits. Six forms, which answer six
questions. The first figure names the model: 1, each subject has raters of its own; 2, the same
raters, drawn from many, and absolute agreement is asked for; 3, these raters and no others, and
consistency is asked for (whether raters are fixed and whether agreement is wanted are two
questions; McGraw and Wong part them). The second: one measurement, or the mean of k.

    ICC(1,1) = (B - W) / (B + (k - 1) W)
    ICC(2,1) = (B - E) / (B + (k - 1) E + k (R - E) / n)
    ICC(3,1) = (B - E) / (B + (k - 1) E)

B, W, R, E are the mean squares between subjects, within subjects, between raters, and of what is
left. It is a share of variance: the same scanner has a lower one among more alike patients.

Source: Shrout and Fleiss (1979), doi:10.1037/0033-2909.86.2.420; McGraw and Wong (1996), who write
A for 2 and C for 3, doi:10.1037/1082-989X.1.1.30, with their erratum,
doi:10.1037/1082-989X.1.4.390.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float, Integer, Real

from medlib.experiment.estimate import Estimate

__all__ = [
    "FORMS",
    "IntraclassCorrelation",
    "bootstrap_icc",
    "intraclass_correlation",
    "mean_squares",
]

FORMS = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")


@dataclass(frozen=True, eq=False)
class IntraclassCorrelation:
    """The correlation of each table of a batch, and its interval by F distributions.

    Attributes:
        value, low, high: one entry a table; () for a single table.
        f: F statistic of the subjects, B/W for form 1 and B/E for 2 and 3.
        n_subjects: the units of the interval.
        n_raters: of them the interval of form 2 knows only so few.
    """

    value: Float[np.ndarray, "*batch"]
    low: Float[np.ndarray, "*batch"]
    high: Float[np.ndarray, "*batch"]
    f: Float[np.ndarray, "*batch"]
    n_subjects: int
    n_raters: int
    form: str
    level: float

    def estimate(self) -> Estimate:
        """Of a single table, for `run.result`; n counts subjects.

        Raises:
            ValueError: there is more than one table.
        """
        if self.value.ndim:
            raise ValueError(f"{self.value.shape} tables: an estimate is of one of them")
        ends = self.value, self.low, self.high
        return Estimate(*map(float, ends), n=self.n_subjects, level=self.level)


def intraclass_correlation(
    scores: Real[np.ndarray, "*batch subjects raters"], *, form: str = "2,1", level: float = 0.95
) -> IntraclassCorrelation:
    """Intraclass correlation of each table, with its interval.

    The intervals of forms 1 and 3 are exact for normal scores, that of 2 approximate: it has as
    many degrees of freedom for the raters as there are raters, less one. With two scanners it says
    nearly nothing, and covers the truth too rarely: two are no population of scanners.

    Args:
        scores: without gaps; what is in front of the last two axes is a batch.
        form: one of `FORMS`.
        level: confidence of the interval.

    Returns:
        higher = more of the variance is between subjects; 1 = no error. May be negative. In a few
        subjects that hardly differ, form 2,k may have no lower end (-inf), and no value (nan) where
        the variance of the mean itself comes out negative.

    Raises:
        ValueError: an unknown form, fewer than two subjects or raters, a score that is not finite,
            or a table without any error, whose F is infinite.

    Example:
        >>> six = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]]
        >>> judges = np.array([*six, [6, 2, 4, 7]])
        >>> [round(float(intraclass_correlation(judges, form=f).value), 2) for f in FORMS]
        [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]

    Source: as the module.
    """
    scores = _checked(scores, form, level)
    n, k = scores.shape[-2:]
    b, w, r, e = mean_squares(scores)
    if not ((w if form[0] == "1" else e) > 0).all() or not (b > 0).all():
        raise ValueError(
            "a table has no error, or no difference between subjects: the correlation has no"
            " interval there"
        )
    value = _value(b, w, r, e, n=n, k=k, form=form)
    single = f"{form[0]},1"
    if form[0] == "2":
        ends = _ends_of_two(b, r, e, n=n, k=k, level=level)
    else:
        error, df = (w, n * (k - 1)) if form[0] == "1" else (e, (n - 1) * (k - 1))
        least = b / error / scipy.stats.f.ppf((1 + level) / 2, n - 1, df)
        most = b / error * scipy.stats.f.ppf((1 + level) / 2, df, n - 1)
        ends = ((f - 1) / (f + k - 1) for f in (least, most))
    low, high = ends if form == single else (_of_the_mean(np.asarray(x), k) for x in ends)
    f = b / (w if form[0] == "1" else e)
    return IntraclassCorrelation(*map(np.asarray, (value, low, high, f)), n, k, form, level)


def bootstrap_icc(
    scores: Real[np.ndarray, "subjects raters"],
    *,
    rng: np.random.Generator,
    form: str = "2,1",
    n_resamples: int = 2000,
) -> Float[np.ndarray, " resamples"]:
    """The correlation of resamples of the subjects, all in one call.

    A resample is how often it holds each subject, and mean squares are made of sums over subjects:
    all resamples are one product of matrices. Raters are not drawn anew: the spread is over
    subjects, for these raters.

    Args:
        scores: of all subjects by all raters.
        rng: draws the subjects.
        form: one of `FORMS`.
        n_resamples: bootstrap samples.

    Returns:
        One value a resample; quantiles of them bound an interval. A resample without any error is
        1, one whose subjects do not differ at all is nan.

    Raises:
        ValueError: as `intraclass_correlation`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scores = rng.normal(size=(50, 1)) + 0.5 * rng.normal(size=(50, 3))
        >>> np.quantile(bootstrap_icc(scores, rng=rng), [0.025, 0.975]).round(1)
        array([0.6, 0.8])

    Source: Efron and Tibshirani (1993), doi:10.1201/9780429246593.
    """
    scores = _checked(scores, form, 0.95)
    n, k = scores.shape
    drawn = rng.integers(n, size=(n_resamples, n)) + n * np.arange(n_resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=n_resamples * n).reshape(n_resamples, n)
    return _value(*_resampled_mean_squares(scores, times), n=n, k=k, form=form)


def mean_squares(scores: Float[np.ndarray, "*batch n k"]) -> tuple[np.ndarray, ...]:
    """Mean squares of each table: between subjects, within them, between raters, what is left.

    From deviations: no difference of large sums.

    Args:
        scores: without gaps; what is in front of the last two axes is a batch.

    Example:
        >>> [float(square) for square in mean_squares(np.array([[1.0, 3.0], [5.0, 7.0]]))]
        [16.0, 2.0, 4.0, 0.0]

    Source: Shrout and Fleiss (1979), doi:10.1037/0033-2909.86.2.420.
    """
    n, k = scores.shape[-2:]
    by_subject = scores.mean(axis=-1, keepdims=True)
    by_rater = scores.mean(axis=-2, keepdims=True)
    middle = by_subject.mean(axis=-2, keepdims=True)
    between = k * ((by_subject - middle) ** 2).sum(axis=(-2, -1)) / (n - 1)
    within = ((scores - by_subject) ** 2).sum(axis=(-2, -1)) / (n * (k - 1))
    raters = n * ((by_rater - middle) ** 2).sum(axis=(-2, -1)) / (k - 1)
    left = ((scores - by_subject - by_rater + middle) ** 2).sum(axis=(-2, -1))
    left = left / ((n - 1) * (k - 1))
    return tuple(np.asarray(square) for square in (between, within, raters, left))


def _resampled_mean_squares(
    scores: Float[np.ndarray, "n k"], times: Integer[np.ndarray, "resamples n"]
) -> tuple[np.ndarray, ...]:
    """The same where subject i stands `times[:, i]` times in the table."""
    n, k = scores.shape
    scores = scores - scores.mean()  # sums of squares far from zero lose digits
    means = scores.mean(axis=1)
    inner = ((scores - means[:, None]) ** 2).sum(axis=1)
    sums = times.astype(float) @ np.column_stack([scores, means**2, inner])
    by_rater = sums[:, :k] / n
    middle = by_rater.mean(axis=1)
    between = k * (sums[:, k] - n * middle**2).clip(0) / (n - 1)
    raters = n * ((by_rater - middle[:, None]) ** 2).sum(axis=1)
    left = (sums[:, k + 1] - raters).clip(0) / ((n - 1) * (k - 1))
    return between, sums[:, k + 1] / (n * (k - 1)), raters / (k - 1), left


def _value(b, w, r, e, *, n: int, k: int, form: str) -> np.ndarray:
    error = w if form[0] == "1" else e
    apart = k * (r - e) / n if form[0] == "2" else 0.0
    below = b + (k - 1) * error + apart if form[2] == "1" else b + apart / k
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, (b - error) / below, np.nan)


def _of_the_mean(icc: np.ndarray, k: int) -> np.ndarray:
    """Spearman and Brown's step from one measurement to k; below its pole there is no end."""
    with np.errstate(divide="ignore"):
        return np.where(1 + (k - 1) * icc > 0, k * icc / (1 + (k - 1) * icc), -np.inf)


def _ends_of_two(b, r, e, *, n: int, k: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """McGraw and Wong's interval of ICC(2,1): F with Satterthwaite's degrees of freedom."""
    icc = _value(b, None, r, e, n=n, k=k, form="2,1")
    spread = n * (1 + (k - 1) * icc) - k * icc
    weighted = k * icc * r / e
    df = (weighted + spread) ** 2 / (weighted**2 / (k - 1) + spread**2 / ((n - 1) * (k - 1)))
    to_low = scipy.stats.f.ppf((1 + level) / 2, n - 1, df)
    to_high = scipy.stats.f.ppf((1 + level) / 2, df, n - 1)
    raters = k * r + (k * n - k - n) * e
    low = n * (b / to_low - e) / (raters + n * b / to_low)  # so that an infinite quantile will do
    high = n * (to_high * b - e) / (raters + n * to_high * b)
    return np.asarray(low), np.asarray(high)


def _checked(scores: np.ndarray, form: str, level: float) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if form not in FORMS:
        raise ValueError(f"form={form!r}: one of {', '.join(FORMS)}")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: give a share between 0 and 1, e.g. 0.95")
    if scores.ndim < 2 or min(scores.shape[-2:]) < 2:
        raise ValueError(f"scores of shape {scores.shape}: two subjects and two raters, or more")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite; leave its subject out, and say so")
    return scores
