"""False alarms at 95 % caught, and misses at 95 % let through, where strangers come in groups."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from medlib.experiment.estimate import Estimate

__all__ = ["held_up_by_group", "passed_by_group"]


def held_up_by_group(
    outliers: Float[np.ndarray, " n"],
    known: Float[np.ndarray, " m"],
    groups: Shaped[np.ndarray, " _"],
    *,
    rng: np.random.Generator,
    tpr: float = 0.95,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """The false positive rate at a true positive rate of `tpr`; outliers are the positive class.

    t is the largest score with #{outliers ≥ t} / n ≥ tpr, and the value #{known ≥ t} / m. The
    threshold is taken on the very outliers that are judged, as in the literature: it says how well
    two sets lie apart, and no gate could be set so. The interval (percentile bootstrap) draws whole
    groups of outliers and single known images; with few groups it is too short.

    Args:
        outliers: scores, higher = more unusual.
        known: scores of known images.
        groups: of each outlier (scanner, patient, picture): what was drawn by itself.
        rng: of the bootstrap.
        tpr: share of outliers to be caught, above 0 and at most 1.
        n_resamples: bootstrap samples.
        level: of the interval.

    Returns:
        0 = no false alarm, 1 = all known images are held up; n = number of groups.

    Raises:
        ValueError: a set is empty, there is not one group an outlier, or tpr is out of range.

    Example:
        >>> found = held_up_by_group(np.arange(10.0, 20), np.arange(2.0, 12), np.arange(10) % 5,
        ...                          tpr=1.0, rng=np.random.default_rng(0))
        >>> found.value, found.n
        (0.2, 5)

    Source: Hendrycks, Mazeika and Dietterich (2019), doi:10.48550/arXiv.1812.04606. The value is
    that of `medlib.diagnosis.novelty.separation.fpr_at_tpr`.
    """
    outliers, known = np.asarray(outliers, dtype=float), np.asarray(known, dtype=float)
    own = _groups(outliers, known, groups, tpr)
    each = np.arange(len(known))
    return _rate(outliers, known, own, each, tpr, rng, n_resamples, level, n=own.max() + 1)


def passed_by_group(
    outliers: Float[np.ndarray, " n"],
    known: Float[np.ndarray, " m"],
    groups: Shaped[np.ndarray, " _"],
    *,
    rng: np.random.Generator,
    kept: float = 0.95,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """The same with known images as the positive class: the share of outliers that pass.

    t is the smallest score with #{known ≤ t} / m ≥ kept, and the value #{outliers ≤ t} / n. The
    threshold is taken on the known images that are judged.

    Args:
        outliers, known, groups: as for `held_up_by_group`.
        rng: of the bootstrap.
        kept: share of known images to be let through, above 0 and at most 1.
        n_resamples: bootstrap samples.
        level: of the interval.

    Returns:
        0 = every outlier is caught, 1 = all pass; n = number of groups.

    Raises:
        ValueError: a set is empty, there is not one group an outlier, or kept is out of range.

    Example:
        >>> found = passed_by_group(np.arange(10.0, 20), np.arange(2.0, 12), np.arange(10) % 5,
        ...                         kept=1.0, rng=np.random.default_rng(0))
        >>> found.value, found.n
        (0.2, 5)

    Source: Liang et al. (2018), doi:10.48550/arXiv.1706.02690; Liu et al. (2020),
    doi:10.48550/arXiv.2010.03759.
    """
    outliers, known = np.asarray(outliers, dtype=float), np.asarray(known, dtype=float)
    own = _groups(outliers, known, groups, kept)
    each = np.arange(len(known))
    return _rate(-known, -outliers, each, own, kept, rng, n_resamples, level, n=own.max() + 1)


def _groups(outliers: np.ndarray, known: np.ndarray, groups: np.ndarray, share: float):
    """The groups as 0..groups-1, after a look at everything."""
    if min(len(outliers), len(known)) == 0 or not 0 < share <= 1:
        raise ValueError(
            f"{len(outliers)} outliers and {len(known)} known images (>= 1), share {share:g} (above"
            " 0, at most 1): one is out of range"
        )
    groups = np.asarray(groups)
    if groups.shape != outliers.shape:
        raise ValueError(f"{len(outliers)} outliers, but groups of shape {groups.shape}")
    return np.unique(groups, return_inverse=True)[1]


def _rate(positive, negative, of_positive, of_negative, tpr, rng, n_resamples, level, *, n):
    """Share of negatives at or above the threshold that `tpr` of the positives reach."""
    one = (np.ones((1, len(positive))), np.ones((1, len(negative))))
    value = float(_reached(positive, negative, *one, tpr)[0])
    weights = (_weights(groups, n_resamples, rng) for groups in (of_positive, of_negative))
    drawn = _reached(positive, negative, *weights, tpr)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, min(low, value), max(high, value), int(n), level=level)


def _weights(groups: np.ndarray, n_resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each image is drawn when whole groups are, one row a bootstrap sample."""
    count = groups.max() + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=n_resamples)
    return drawn[:, groups].astype(float)


def _reached(positive, negative, of_positive, of_negative, tpr) -> np.ndarray:
    order = np.argsort(-positive, kind="stable")
    weights = of_positive[:, order]
    caught = np.cumsum(weights, axis=1)
    enough = caught >= tpr * caught[:, -1:] - 1e-9
    threshold = positive[order][enough.argmax(axis=1)]
    reach = negative[None, :] >= threshold[:, None]
    return (of_negative * reach).sum(axis=1) / of_negative.sum(axis=1)
