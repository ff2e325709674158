"""The mean over a clinic's mix of cases, from samples of each kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.stats
from jaxtyping import Float

from medlib.experiment.estimate import Estimate

__all__ = ["stratified_mean", "stratified_share"]


def stratified_mean(
    values: Mapping[str, Float[np.ndarray, " _"]],
    *,
    shares: Mapping[str, float],
    unit: str = "",
    level: float = 0.95,
) -> Estimate:
    """Σ_k w_k x̄_k with variance Σ_k w_k² s_k² / n_k, and the normal interval.

    A study has as many cases of each kind as it could get; a clinic has its own mix. Differences
    that were taken case by case may be handed in: then this is the paired comparison.

    Args:
        values: of each kind, one number an independent case, two or more.
        shares: how frequent each kind is in the clinic; scaled to add up to 1.
        unit: of the values.
        level: of the interval.

    Returns:
        The mean; n = all cases.

    Raises:
        ValueError: kinds differ, shares are negative or all zero, or a kind has fewer than two.

    Example:
        >>> cost = {"usual": np.array([0.0, 0.0, 0.2]), "rare": np.array([1.0, 1.0])}
        >>> round(stratified_mean(cost, shares={"usual": 3, "rare": 1}).value, 3)
        0.3

    Source: Cochran (1977), Sampling Techniques, 3rd edition, equation 5.6.
    """
    if set(values) != set(shares) or not values:
        raise ValueError(f"kinds differ: values of {sorted(values)}, shares of {sorted(shares)}")
    weights = np.array([shares[kind] for kind in values], dtype=float)
    if (weights < 0).any() or weights.sum() <= 0:
        raise ValueError("shares are negative or all zero")
    weights /= weights.sum()
    if few := [kind for kind, each in values.items() if len(each) < 2]:
        raise ValueError(f"{few[0]!r} has fewer than two cases: it has no spread to know")
    columns = [np.asarray(each, dtype=float) for each in values.values()]
    middle = float(sum(w * x.mean() for w, x in zip(weights, columns, strict=True)))
    variance = sum(w**2 * x.var(ddof=1) / len(x) for w, x in zip(weights, columns, strict=True))
    reach = scipy.stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    n = sum(map(len, columns))
    return Estimate(middle, middle - reach, middle + reach, n, unit=unit, level=level)


def stratified_share(
    hits: Mapping[str, Float[np.ndarray, " _"]],
    *,
    of: Mapping[str, Float[np.ndarray, " _"]],
    shares: Mapping[str, float],
    level: float = 0.95,
) -> Estimate:
    """R = Σ_k w_k h̄_k / Σ_k w_k b̄_k: of all that are b in the mix, the share that is also h.

    The interval is that of a ratio to first order: the one of the mean of h - R b, divided by the
    denominator (delta method).

    Args:
        hits: h, one value a case of each kind, 0 or 1; never above `of`.
        of: b, the same for what is counted below.
        shares: how frequent each kind is.
        level: of the interval.

    Raises:
        ValueError: as `stratified_mean`, or nothing is counted below.

    Example:
        >>> alarm = {"usual": np.array([1.0, 0, 0, 0]), "rare": np.array([1.0, 1, 1, 0])}
        >>> of_usual = {"usual": alarm["usual"], "rare": np.zeros(4)}
        >>> round(stratified_share(of_usual, of=alarm, shares={"usual": 9, "rare": 1}).value, 2)
        0.75

    Source: Cochran (1977), Sampling Techniques, 3rd edition, section 6.11.
    """
    below = stratified_mean(of, shares=shares).value
    if below <= 0:
        raise ValueError("nothing is counted below: there is no share of nothing")
    share = stratified_mean(hits, shares=shares).value / below
    rest = {kind: np.asarray(h, float) - share * np.asarray(of[kind]) for kind, h in hits.items()}
    spread = stratified_mean(rest, shares=shares, level=level)
    reach = (spread.high - spread.value) / below
    low, high = max(share - reach, 0.0), min(share + reach, 1.0)
    return Estimate(share, min(low, share), max(high, share), spread.n, level=level)
