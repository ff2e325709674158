"""Means of independent units, heads or patients or trainings, with Student's interval."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float

from medlib.experiment.estimate import Estimate


def mean_interval(
    values: Float[np.ndarray, " units"],
    *,
    unit: str = "",
    level: float = 0.95,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """The mean of independent values and its t interval: x̄ ± t · s/√n.

    Of differences taken unit by unit it is the paired comparison: what makes one unit harder than
    another drops out.

    Args:
        values: one number for each independent unit; never several for one.
        unit: of the numbers, such as "dB".
        level: confidence of the interval.
        within: what the quantity can be; the interval is cut there, as for an AUC at 1.

    Raises:
        ValueError: fewer than two values, one that is not finite, or a mean outside `within`.

    Example:
        >>> f"{mean_interval(np.array([1.0, 2.0, 3.0]), unit='dB'):.1ci}"
        '2.0 dB [-0.5, 4.5]'

    Source: Student 1908, doi:10.1093/biomet/6.1.1.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            f"values of shape {values.shape}: an interval of a mean needs two independent units or"
            " more, one number for each"
        )
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite; leave its unit out, and say so")
    reach = scipy.stats.t.ppf((1 + level) / 2, len(values) - 1) * scipy.stats.sem(values)
    middle = values.mean()
    low, high = max(middle - reach, within[0]), min(middle + reach, within[1])
    return Estimate(middle, low, high, n=len(values), unit=unit, level=level)
