"""Two models on the same scans: the difference of a pooled measure, with patients drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Real, Shaped

from medlib.experiment.estimate import Estimate

__all__ = ["pooled_difference"]


def pooled_difference(
    measure: Callable[[Float[np.ndarray, "... counts"]], Float[np.ndarray, " ..."]],
    first: Real[np.ndarray, "scans counts"],
    second: Real[np.ndarray, "scans counts"],
    *,
    patients: Shaped[np.ndarray, " owners"],
    rng: np.random.Generator,
    n_resamples: int = 2000,
    unit: str = "",
    level: float = 0.95,
) -> Estimate:
    """measure(first) - measure(second), each of its counts summed over scans; patients resampled.

    Both models answer for the same patients in every resample, so what makes a patient hard drops
    out. Patients are drawn, not scans: scans of one patient are alike.

    Args:
        measure: of summed counts, such as true positives, false positives and false negatives; of
            an array (..., counts) it gives (...).
        first, second: counts of each scan.
        patients: whose scan it is.
        rng: draws the patients.
        n_resamples: bootstrap samples.
        unit: of the measure.
        level: of the percentile interval, between 0 and 1.

    Raises:
        ValueError: shapes differ, fewer than two patients, a measure that is not a number in some
            resample, or an interval beside its own estimate.

    Example:
        >>> dice = lambda c: 2 * c[..., 0] / (2 * c[..., 0] + c[..., 1] + c[..., 2])
        >>> one, two = np.array([[8, 1, 1], [8, 2, 2]]), np.array([[6, 2, 2], [7, 3, 3]])
        >>> found = pooled_difference(
        ...     dice, one, two, patients=np.arange(2), rng=np.random.default_rng(0))
        >>> round(found.value, 3), found.n
        (0.12, 2)

    Source: Efron and Tibshirani (1993), doi:10.1201/9780429246593.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 2 or len(first) != len(patients):
        raise ValueError(
            f"first {first.shape}, second {second.shape}, patients {np.shape(patients)}: the same"
            " scans of both, counts across, and one patient a scan"
        )
    names, whose = np.unique(patients, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} patient(s): an interval over patients needs at least 2")
    sums = np.zeros((2, len(names), first.shape[1]))
    for total, counts in zip(sums, (first, second), strict=True):
        np.add.at(total, whose, counts)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
    drawn = measure(times @ sums[0]) - measure(times @ sums[1])
    value = float(measure(sums[0].sum(axis=0)) - measure(sums[1].sum(axis=0)))
    if not np.isfinite(drawn).all():
        raise ValueError(
            f"measure is not a number in {(~np.isfinite(drawn)).sum()} of {n_resamples} resamples:"
            " it must say what it is worth where its counts are zero"
        )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    if not low <= value <= high:
        raise ValueError(
            f"the difference {value:g} lies outside its own interval [{low:g}, {high:g}]: with"
            f" {len(names)} patients a percentile interval says nothing"
        )
    return Estimate(value, float(low), float(high), len(names), unit, level)
