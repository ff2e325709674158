"""An interval of ICC(2,1) that knows how few scanners were drawn: the generalised pivotal one.

Of n subjects by k raters the mean squares between subjects, between raters and of what is left are

    B ~ (k σ²_subject + σ²_error) χ²(n - 1) / (n - 1)
    R ~ (n σ²_rater + σ²_error) χ²(k - 1) / (k - 1)
    E ~ σ²_error χ²((n - 1)(k - 1)) / ((n - 1)(k - 1))

Solve for the variances, put in the mean squares that were seen, and draw the three χ²: what comes
out is spread as the data leave the variances open, and so is the ICC made of them. With two raters
the χ² between raters has one degree of freedom, which may be next to nothing: then the raters may
differ by nearly anything.

Source: Weerahandi (1993), doi:10.1080/01621459.1993.10476355; for this ICC, beside other intervals,
Ionan et al. (2014), doi:10.1186/1471-2288-14-121.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real

from medlib.experiment.estimate import Estimate
from medlib.translation.validity.intraclass_correlation import (
    intraclass_correlation,
    mean_squares,
)

__all__ = ["pivotal_ends", "pivotal_icc"]


def pivotal_icc(
    scores: Real[np.ndarray, "subjects raters"],
    *,
    rng: np.random.Generator,
    n_draws: int = 20_000,
    level: float = 0.95,
) -> Estimate:
    """ICC(2,1) of a table with its generalised pivotal interval, over subjects and raters.

    Args:
        scores: without gaps; raters stand for many of which they were drawn.
        rng: draws the pivots.
        n_draws: of each of the three.
        level: confidence of the interval.

    Returns:
        The estimate; n counts the raters, as of them there are the fewest. The interval is widened
        to hold the estimate where that is negative.

    Raises:
        ValueError: as `intraclass_correlation`, or fewer than a hundred draws.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scores = rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=(60, 2)) + np.array([0, 0.5])
        >>> found = pivotal_icc(scores, rng=rng)
        >>> found.high - found.low > 0.6, found.n
        (True, 2)

    Source: as the module.
    """
    value = float(intraclass_correlation(scores, form="2,1", level=level).value)
    low, high = (float(end) for end in pivotal_ends(scores, rng=rng, n_draws=n_draws, level=level))
    return Estimate(value, min(low, value), max(high, value), n=np.shape(scores)[1], level=level)


def pivotal_ends(
    scores: Real[np.ndarray, "*batch subjects raters"],
    *,
    rng: np.random.Generator,
    n_draws: int = 20_000,
    level: float = 0.95,
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """Both ends for each table of a batch, all from the same draws of the pivots.

    Args:
        scores, rng, n_draws, level: as `pivotal_icc`; what is in front of the last two axes is a
            batch.

    Raises:
        ValueError: as `pivotal_icc`.
    """
    scores = np.asarray(scores, dtype=float)
    if n_draws < 100:
        raise ValueError(f"n_draws={n_draws}: a hundred draws or more, for two quantiles")
    intraclass_correlation(scores, form="2,1", level=level)  # refuses what has no answer
    n, k = scores.shape[-2:]
    freedoms = n - 1, k - 1, (n - 1) * (k - 1)
    scale = [df / rng.chisquare(df, size=n_draws) for df in freedoms]
    b, _, r, e = (square.reshape(-1) for square in mean_squares(scores))
    ends = np.empty((2, len(b)))
    for i, seen in enumerate(zip(b, r, e, strict=True)):  # one table at a time: memory
        between, raters, error = (square * s for square, s in zip(seen, scale, strict=True))
        subject = np.maximum(between - error, 0) / k
        rater = np.maximum(raters - error, 0) / n
        icc = subject / (subject + rater + error)
        ends[:, i] = np.quantile(icc, [(1 - level) / 2, (1 + level) / 2])
    low, high = (end.reshape(scores.shape[:-2]) for end in ends)
    return low, high
