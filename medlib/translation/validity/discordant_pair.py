"""Two biomarkers, of which the one that is measured more precisely tells less.

Each biomarker of a patient is a mean with a standard error. Its reliability is the share of the
variance between patients that is not sampling error,

    reliability = 1 - mean(SE²) / var(reading)

an ICC of the mean; its usefulness is the AUC of high readings. A pair is discordant if
the orders differ. It is looked for among some patients and tested in others, as the most striking
of many pairs is so by luck as well.

Source: reliability as a share of variance, Shrout and Fleiss (1979),
doi:10.1037/0033-2909.86.2.420; AUC, DeLong et al. (1988), doi:10.2307/2531595.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from medlib.experiment.estimate import Estimate
from medlib.translation.validity.delong import delong

__all__ = ["Pair", "leads_of_pair", "most_discordant", "reliability", "resampled_reliability"]


@dataclass(frozen=True)
class Pair:
    """How much more precise one is, and how much more useful the other; both above 0 = discordant.

    Attributes:
        more_reliable: reliability of the first less that of the second; n counts patients.
        more_useful: AUC of the second less that of the first.
    """

    more_reliable: Estimate
    more_useful: Estimate


def reliability(
    readings: Float[np.ndarray, "n biomarkers"], errors: Float[np.ndarray, "n biomarkers"]
) -> Float[np.ndarray, " biomarkers"]:
    """Share of the variance of readings that is not their own error.

    Args:
        readings: of each patient.
        errors: standard error of each reading.

    Raises:
        ValueError: shapes differ, fewer than two patients, an error below 0, or readings that are
            the same for all.

    Example:
        >>> reliability(np.array([[0.0], [2.0]]), np.array([[0.5], [0.5]]))
        array([0.875])
    """
    readings, errors = np.asarray(readings, dtype=float), np.asarray(errors, dtype=float)
    if readings.ndim != 2 or readings.shape != errors.shape or len(readings) < 2:
        raise ValueError(f"readings {readings.shape}, errors {errors.shape}: one error a reading")
    if not (errors >= 0).all() or not (np.ptp(readings, axis=0) > 0).all():
        raise ValueError("errors are not below 0, and readings differ between patients")
    return _reliability(readings, errors)


def resampled_reliability(
    readings: Float[np.ndarray, "n biomarkers"],
    errors: Float[np.ndarray, "n biomarkers"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 1000,
) -> Float[np.ndarray, "resamples biomarkers"]:
    """The same of bootstrap samples of patients, the same ones for all biomarkers.

    Example:
        >>> readings = np.random.default_rng(0).normal(size=(50, 1))
        >>> found = resampled_reliability(
        ...     readings, 0.5 + 0 * readings, rng=np.random.default_rng(1), n_resamples=20)
        >>> found.shape
        (20, 1)
    """
    drawn = rng.integers(len(readings), size=(n_resamples, len(readings)))
    return _reliability(*(np.asarray(part, dtype=float)[drawn] for part in (readings, errors)))


def most_discordant(
    readings: Float[np.ndarray, "n biomarkers"],
    errors: Float[np.ndarray, "n biomarkers"],
    labels: Integer[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    n_resamples: int = 1000,
) -> tuple[int, int]:
    """The pair (more reliable, more useful) whose lesser lead, in standard errors, is the largest.

    Args:
        readings, errors: of each patient by each biomarker; a high reading speaks for label 1.
        labels: 1 = ill.
        rng: draws patients, for the standard errors of the reliabilities.
        n_resamples: bootstrap samples.

    Raises:
        ValueError: as `reliability` and `delong`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat([0, 1], 50)
        >>> readings = np.stack([rng.normal(size=100), labels + rng.normal(size=100)], axis=1)
        >>> most_discordant(readings, np.tile([0.01, 0.5], (100, 1)), labels, rng=rng)
        (0, 1)
    """
    precise = reliability(readings, errors)
    drawn = resampled_reliability(readings, errors, rng=rng, n_resamples=n_resamples)
    areas = delong(np.asarray(readings).T, labels)
    leads = []
    for values, covariance in ((precise, np.cov(drawn.T)), (-areas.values, areas.covariance)):
        variances = np.diag(covariance)
        error = np.sqrt((variances[:, None] + variances - 2 * covariance).clip(1e-18))
        leads.append((values[:, None] - values) / error)
    lesser = np.minimum(*leads)
    np.fill_diagonal(lesser, -np.inf)
    first, second = np.unravel_index(lesser.argmax(), lesser.shape)
    return int(first), int(second)


def leads_of_pair(
    readings: Float[np.ndarray, "n biomarkers"],
    errors: Float[np.ndarray, "n biomarkers"],
    labels: Integer[np.ndarray, " n"],
    *,
    pair: tuple[int, int],
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
) -> Pair:
    """Both leads of a pair in these patients, with intervals over them.

    Args:
        readings, errors: of each patient by each biomarker.
        labels: 1 = ill.
        pair: the more reliable and the more useful one, as chosen elsewhere.
        rng: draws patients, for the reliabilities; the AUCs' interval is DeLong's.
        n_resamples: bootstrap samples.
        level: of both intervals.

    Raises:
        ValueError: as `reliability` and `delong`.
    """
    first, second = pair
    values = reliability(readings, errors)
    drawn = resampled_reliability(readings, errors, rng=rng, n_resamples=n_resamples)
    apart = drawn[:, first] - drawn[:, second]
    low, high = np.quantile(apart, [(1 - level) / 2, (1 + level) / 2])
    value = float(values[first] - values[second])
    areas = delong(np.asarray(readings)[:, [first, second]].T, labels)
    return Pair(
        Estimate(value, min(low, value), max(high, value), n=len(labels), level=level),
        areas.contrast(np.array([-1.0, 1.0]), level=level).estimate,
    )


def _reliability(
    readings: Float[np.ndarray, "*draws n biomarkers"],
    errors: Float[np.ndarray, "*draws n biomarkers"],
) -> Float[np.ndarray, "*draws biomarkers"]:
    return 1 - (errors**2).mean(axis=-2) / readings.var(axis=-2, ddof=1)
