"""How well a score tells outliers from known images, group by group, and at what false alarms."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from medlib.experiment.estimate import Estimate

__all__ = ["auc_by_group", "fpr_at_tpr", "passed_at_kept"]


def fpr_at_tpr(
    outliers: Float[np.ndarray, " n"],
    known: Float[np.ndarray, " m"],
    *,
    rng: np.random.Generator,
    tpr: float = 0.95,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """The share of known images at or above the score that `tpr` of the outliers reach.

    The threshold is the largest score t with #{outliers ≥ t} / n ≥ tpr. It is itself estimated from
    the outliers, so both sets are resampled for the interval (percentile bootstrap).

    Args:
        outliers: scores, higher = more unusual; outliers are the class to be found.
        known: scores of known images.
        rng: of the bootstrap.
        tpr: share of outliers to be caught, above 0 and at most 1.
        n_resamples: bootstrap samples.
        level: of the interval.

    Returns:
        0 = no false alarm, 1 = all known images are flagged; n = images of both sets.

    Raises:
        ValueError: a set is empty, or tpr is out of range.

    Example:
        >>> found = fpr_at_tpr(np.arange(10.0, 20), np.arange(2.0, 12), tpr=1.0,
        ...                    rng=np.random.default_rng(0))
        >>> found.value
        0.2

    Source: Hendrycks, Mazeika and Dietterich (2019), doi:10.48550/arXiv.1812.04606, where outliers
    are the positive class. Under the same name others report `passed_at_kept`.
    """
    outliers, known = np.asarray(outliers, dtype=float), np.asarray(known, dtype=float)
    if min(len(outliers), len(known)) == 0 or not 0 < tpr <= 1:
        raise ValueError(
            f"{len(outliers)} outliers and {len(known)} known images (>= 1), tpr={tpr:g} (above 0,"
            " at most 1): one is out of range"
        )
    value = float(_fpr(outliers[None], known[None], tpr)[0])
    drawn = _fpr(
        outliers[rng.integers(len(outliers), size=(n_resamples, len(outliers)))],
        known[rng.integers(len(known), size=(n_resamples, len(known)))],
        tpr,
    )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    n = len(outliers) + len(known)
    return Estimate(value, min(low, value), max(high, value), n, level=level)


def passed_at_kept(
    outliers: Float[np.ndarray, " n"],
    known: Float[np.ndarray, " m"],
    *,
    rng: np.random.Generator,
    kept: float = 0.95,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """The share of outliers at or below the score under which `kept` of the known images lie.

    It is `fpr_at_tpr` with the known images as the positive class; the two may differ much.

    Args:
        outliers, known: scores, higher = more unusual.
        rng: of the bootstrap.
        kept: share of known images to be let through, above 0 and at most 1.
        n_resamples: bootstrap samples.
        level: of the interval.

    Returns:
        0 = every outlier is caught, 1 = all pass.

    Raises:
        ValueError: a set is empty, or kept is out of range.

    Example:
        >>> found = passed_at_kept(np.arange(10.0, 20), np.arange(2.0, 12), kept=1.0,
        ...                        rng=np.random.default_rng(0))
        >>> found.value
        0.2

    Source: Liang et al. (2018), doi:10.48550/arXiv.1706.02690; Liu et al. (2020),
    doi:10.48550/arXiv.2010.03759.
    """
    turned = (-np.asarray(each, dtype=float) for each in (known, outliers))
    return fpr_at_tpr(*turned, rng=rng, tpr=kept, n_resamples=n_resamples, level=level)


def _fpr(outliers: np.ndarray, known: np.ndarray, tpr: float) -> np.ndarray:
    n = outliers.shape[1]
    caught = int(np.ceil(tpr * n - 1e-9))  # so many outliers must reach the threshold
    threshold = np.partition(outliers, n - caught, axis=1)[:, n - caught]
    return (known >= threshold[:, None]).mean(axis=1)


def auc_by_group(
    outliers: Float[np.ndarray, " n"],
    known: Float[np.ndarray, " m"],
    groups: Shaped[np.ndarray, " _"],
) -> Float[np.ndarray, " groups"]:
    """The AUC of each group of outliers against all known images.

    Where outliers come in groups (scanners, hospitals), the groups are what was drawn: an interval
    over these values speaks of another scanner, one over images does not.

    Args:
        outliers: scores, higher = more unusual.
        known: scores of known images.
        groups: of each outlier; the result follows the groups in sorted order.

    Raises:
        ValueError: not one group an outlier.

    Example:
        >>> auc_by_group(np.array([5.0, 6.0, 0.0, 1.0]), np.array([2.0, 3.0]),
        ...              np.array(["a", "a", "b", "b"])).tolist()
        [1.0, 0.0]
    """
    outliers, groups = np.asarray(outliers, dtype=float), np.asarray(groups)
    if groups.shape != outliers.shape:
        raise ValueError(f"{len(outliers)} outliers, but groups of shape {groups.shape}")
    known = np.asarray(known, dtype=float)
    wins = (np.sign(outliers[:, None] - known[None, :]) / 2 + 0.5).mean(axis=1)
    return np.array([wins[groups == group].mean() for group in np.unique(groups)])
