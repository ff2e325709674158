"""Which dose a method needs to find a lesion as surely as is wanted."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float


def dose_needed(
    doses: Float[np.ndarray, " doses"], areas: Float[np.ndarray, " areas"], *, wanted: float
) -> float:
    """The least dose at which the AUC reaches the wanted one, between measured doses.

    The detectability d = √2 Φ⁻¹(AUC) of a linear observer grows with the root of the dose, so it is
    joined by straight lines over √dose. An AUC of one, which no finite d has, is taken for .9999.

    Args:
        doses: in any unit, > 0 and not twice the same, in any order.
        areas: the AUC at each.
        wanted: the AUC asked for, between 0.5 and 1.

    Returns:
        The dose, in the same unit; nan if it lies outside the measured ones.

    Raises:
        ValueError: lengths differ, a dose is not positive or stands twice, `wanted` is too large.

    Example:
        >>> from scipy.stats import norm
        >>> doses = np.array([0.01, 0.04, 0.25, 1.0])
        >>> areas = norm.cdf(3 * np.sqrt(doses))
        >>> round(dose_needed(doses, areas, wanted=norm.cdf(1.2)), 4)
        0.16
    """
    doses, areas = np.asarray(doses, dtype=float), np.asarray(areas, dtype=float)
    if doses.shape != areas.shape or doses.ndim != 1 or len(set(doses)) < max(2, len(doses)):
        raise ValueError(f"doses {doses} and areas {areas}: one area for each dose, two or more")
    if not (doses > 0).all() or not 0.5 < wanted < 1:
        raise ValueError(f"doses {doses} must be positive, and wanted ({wanted}) within (0.5, 1)")
    order = np.argsort(doses)
    root = np.sqrt(doses[order])
    found = scipy.stats.norm.ppf(areas[order].clip(1e-4, 1 - 1e-4))
    goal = scipy.stats.norm.ppf(wanted)
    above = np.flatnonzero(found >= goal)
    if len(above) == 0 or above[0] == 0:
        return float("nan")
    after = above[0]
    share = (goal - found[after - 1]) / (found[after] - found[after - 1])
    return float((root[after - 1] + share * (root[after] - root[after - 1])) ** 2)
