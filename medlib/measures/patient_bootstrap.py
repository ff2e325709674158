"""Intervals for means over tiles of which many come from one patient: resample the patients."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped

from medlib.experiment.estimate import Estimate

__all__ = ["PatientMean", "patient_mean"]


@dataclass(frozen=True)
class PatientMean(Estimate):
    """The mean of the patients' means, with a bootstrap interval over patients.

    Attributes:
        n: patients, as for every `Estimate` the units that were drawn.
        n_tiles: tiles with a value.
    """

    n_tiles: int = field(kw_only=True)

    @property
    def n_patients(self) -> int:
        """The patients behind it: n, by another name."""
        return self.n


def patient_mean(
    values: Float[np.ndarray, " tiles"],
    patients: Shaped[np.ndarray, " tiles"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> PatientMean:
    """Average tiles within patients, patients among each other; resample patients for the interval.

    Tiles of one patient share stain, scanner and disease: resampling them as if each were new
    makes the interval too short. The percentile bootstrap over whole patients does not.

    Args:
        values: one number a tile; NaN = no value for this tile.
        patients: whose tile it is.
        rng: draws the patients.
        n_resamples: bootstrap samples.
        level: of the interval, between 0 and 1.

    Raises:
        ValueError: lengths differ, fewer than two patients, or a level outside (0, 1).

    Example:
        >>> tiles = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
        >>> found = patient_mean(tiles, np.array([1, 1, 2, 2, 2, 2]), rng=np.random.default_rng(0))
        >>> found.value, found.low, found.high, found.n_patients
        (0.5, 0.0, 1.0, 2)

    Source: Efron and Tibshirani (1993), doi:10.1201/9780429246593; Field and Welsh (2007) on
    clusters, doi:10.1111/j.1467-9868.2007.00593.x.
    """
    if len(values) != len(patients):
        raise ValueError(f"{len(values)} values, but {len(patients)} patients: one a tile")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: give a share between 0 and 1, e.g. 0.95")
    there = ~np.isnan(values)
    names, whose = np.unique(patients[there], return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} patient(s): an interval over patients needs at least 2")
    means = np.bincount(whose, values[there]) / np.bincount(whose)
    drawn = means[rng.integers(len(means), size=(n_resamples, len(means)))].mean(axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    value = float(means.mean())
    return PatientMean(
        value,
        min(float(low), value),
        max(float(high), value),
        len(names),
        level=level,
        n_tiles=int(there.sum()),
    )
