"""A share of independent units with its exact binomial interval, which never has zero width."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest

from medlib.experiment.estimate import Estimate

__all__ = ["share_of"]


def share_of(hits: Float[np.ndarray, " units"], *, level: float = 0.95) -> Estimate:
    """The share of units that hit, with the interval of Clopper and Pearson.

    All binomial probabilities p are kept under which as few or as many hits as were seen are not
    rarer than (1 - level)/2. A bootstrap of twelve hits out of twelve has an interval of no width;
    this one says that the true share may be as low as 74 %.

    Args:
        hits: one value a unit, 0 (miss) to 1 (hit). A fraction is a tie that was shared; for the
            interval the sum of the hits is rounded down and up, each end to the safe side.
        level: of the interval, between 0 and 1.

    Returns:
        Estimate of the share; n = units.

    Raises:
        ValueError: no units, or a value outside 0..1.

    Example:
        >>> f"{share_of(np.ones(12)):.0%ci}"
        '100% [74%, 100%]'

    Source: Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404.
    """
    hits = np.asarray(hits, dtype=float)
    if hits.size == 0 or not ((hits >= 0) & (hits <= 1)).all():
        raise ValueError(f"{hits.size} hits: give at least one, each from 0 (miss) to 1 (hit)")
    n, total = len(hits), round(float(hits.sum()), 9)
    low, high = (
        binomtest(int(whole), n).proportion_ci(level, method="exact")
        for whole in (np.floor(total), np.ceil(total))
    )
    return Estimate(total / n, low.low, high.high, n, level=level)
