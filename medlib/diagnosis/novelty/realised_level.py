"""Does the nominal level hold? For one calibration set, for many, and on average over all."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float

from medlib.experiment.estimate import Estimate

__all__ = ["level_of_each_draw", "mean_level"]


def level_of_each_draw(
    pool: Float[np.ndarray, " pool"],
    test: Float[np.ndarray, " test"] | None = None,
    *,
    n_calibration: int,
    n_draws: int,
    level: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, " draws"]:
    """The false-alarm rate on the test images after each of many calibrations.

    Each draws `n_calibration` images of the pool without replacement, and flags test images with
    a conformal p-value of at most `level`.

    Args:
        pool: scores of known images to calibrate on.
        test: scores of other known images; by default those of the pool that were not drawn. Then
            the mean over all draws is k/(m + 1) by arithmetic, whatever the scores (but for ties):
            only the spread can be seen, and nothing is learned of other images.
        n_calibration: m, at most the pool.
        n_draws: calibrations.
        level: nominal.
        rng: draws them.

    Raises:
        ValueError: m is not between the least that can give an alarm and the pool.

    Example:
        >>> pool, test = np.arange(100.0), np.arange(0.5, 100)
        >>> found = level_of_each_draw(pool, test, n_calibration=19, n_draws=500, level=0.05,
        ...                            rng=np.random.default_rng(0))
        >>> bool(abs(found.mean() - 0.05) < 0.01)
        True
    """
    k = _rank(n_calibration, level, len(pool))
    pool, found = np.asarray(pool, dtype=float), np.empty(n_draws)
    for i in range(n_draws):
        drawn, rest = np.split(rng.permutation(pool), [n_calibration])
        threshold = np.partition(drawn, n_calibration - k)[n_calibration - k]  # k-th largest
        found[i] = ((rest if test is None else test) > threshold).mean()
    return found


def mean_level(
    pool: Float[np.ndarray, " pool"],
    test: Float[np.ndarray, " test"],
    *,
    n_calibration: int,
    level: float,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Estimate:
    """The false-alarm rate averaged over *all* calibration sets out of the pool, exactly.

    A test image above which r of N pool images lie, or level with it, is flagged if fewer than
    k = ⌊α(m + 1)⌋ of the m drawn are among those r: with the hypergeometric probability
    P(H ≤ k - 1), H ~ Hyp(N, r, m). No draw is needed. The interval resamples the pool's and the
    test's images, for both are only a sample of all known images.

    Args:
        pool, test, n_calibration, level: as for `level_of_each_draw`.
        rng: of the bootstrap.
        n_resamples: bootstrap samples.
        confidence: of the interval.

    Returns:
        The mean level; n = images of pool and test.

    Example:
        >>> pool, test = np.arange(100.0), np.arange(0.5, 100)
        >>> found = mean_level(pool, test, n_calibration=19, level=0.05,
        ...                    rng=np.random.default_rng(0))
        >>> found.low < 0.05 < found.high
        True
    """
    k = _rank(n_calibration, level, len(pool))
    pool, test = np.sort(np.asarray(pool, float)), np.sort(np.asarray(test, float))
    sizes = np.arange(len(pool) + 1)
    flagged = scipy.stats.hypergeom.cdf(k - 1, len(pool), sizes, n_calibration)

    def mean(pool: np.ndarray, test: np.ndarray) -> float:
        return float(flagged[len(pool) - np.searchsorted(pool, test, side="left")].mean())

    value = mean(pool, test)
    drawn = [
        mean(
            np.sort(pool[rng.integers(len(pool), size=len(pool))]),
            test[rng.integers(len(test), size=len(test))],
        )
        for _ in range(n_resamples)
    ]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    n = len(pool) + len(test)
    return Estimate(value, min(low, value), max(high, value), n, level=confidence)


def _rank(n_calibration: int, level: float, n_pool: int) -> int:
    k = int(np.floor(level * (n_calibration + 1) + 1e-9))
    if k < 1 or n_calibration > n_pool or not 0 < level < 1:
        raise ValueError(
            f"{n_calibration} calibration images at level {level:g} out of a pool of {n_pool}: at"
            f" least 1/level - 1 and at most the pool are needed"
        )
    return k
