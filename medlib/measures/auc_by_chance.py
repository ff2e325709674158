"""What an AUC may be by chance alone: the bound of a control, from the numbers of cases."""

from __future__ import annotations

import numpy as np
import scipy.stats

__all__ = ["auc_by_chance"]


def auc_by_chance(n_present: int, n_absent: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the AUC of scores that know nothing, at the given level.

    If both classes have one distribution without ties, Mann and Whitney's statistic has mean
    n·m/2 and variance n·m(n + m + 1)/12, so the AUC has mean 1/2 and variance (n + m + 1)/(12 n m).

    Args:
        n_present, n_absent: cases of either class, >= 1.
        level: share of such AUCs inside, between 0 and 1; by the normal distribution.

    Raises:
        ValueError: a class without a case, or a level outside (0, 1).

    Example:
        >>> low, high = auc_by_chance(400, 400)
        >>> round(low, 3), round(high, 3)
        (0.46, 0.54)

    Source: Mann and Whitney (1947), doi:10.1214/aoms/1177730491.
    """
    if min(n_present, n_absent) < 1 or not 0 < level < 1:
        raise ValueError(
            f"{n_present} and {n_absent} cases (>= 1 of each) at level {level:g} (between 0 and 1)"
        )
    variance = (n_present + n_absent + 1) / (12 * n_present * n_absent)
    reach = scipy.stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    return float(max(0, 0.5 - reach)), float(min(1, 0.5 + reach))
