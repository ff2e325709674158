"""How often does an interval of ICC(2,1) hold the truth, if few scanners were drawn from many?

    reading = patient + scanner + error,   all normal; the patients' SD is 1

    ICC(2,1) = 1 / (1 + σ²_scanner + σ²_error)

An interval over patients knows nothing of the scanners that were not there: more patients make it
shorter, and it holds the truth more rarely. McGraw and Wong's interval counts scanners, by one F
distribution in place of three; a generalised pivotal interval keeps all three.

Source: the model, McGraw and Wong (1996), doi:10.1037/1082-989X.1.1.30; such simulations, Ionan et
al. (2014), doi:10.1186/1471-2288-14-121.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medlib.experiment.estimate import Estimate
from medlib.measures.share_interval import share_of
from medlib.translation.validity.intraclass_correlation import bootstrap_icc, intraclass_correlation
from medlib.translation.validity.pivotal_icc import pivotal_ends

__all__ = ["Coverage", "coverage_of_intervals", "drawn_studies", "true_icc"]


@dataclass(frozen=True)
class Coverage:
    """Shares of studies whose interval holds the truth.

    Attributes:
        by_f: McGraw and Wong's interval, which knows how few scanners there are; n counts studies.
        over_patients: percentiles of a bootstrap over patients, which does not.
        pivotal: generalised pivotal interval.
        width_by_f, width_over_patients, width_pivotal: median width of each interval.
        truth: the correlation.
    """

    by_f: Estimate
    over_patients: Estimate
    pivotal: Estimate
    width_by_f: float
    width_over_patients: float
    width_pivotal: float
    truth: float


def true_icc(*, scanner_sd: float, error_sd: float) -> float:
    """ICC(2,1) of readings on scanners that are drawn from many.

    Example:
        >>> round(true_icc(scanner_sd=0.5, error_sd=0.3), 3)
        0.746
    """
    return 1 / (1 + scanner_sd**2 + error_sd**2)


def drawn_studies(
    n_studies: int,
    *,
    rng: np.random.Generator,
    n_patients: int,
    n_scanners: int,
    scanner_sd: float,
    error_sd: float,
) -> Float[np.ndarray, "studies patients scanners"]:
    """Readings of studies, each with patients and scanners of its own; simulated, without a unit.

    Raises:
        ValueError: fewer than two of anything, a scanner_sd below 0, or an error_sd not above 0.
    """
    if min(n_studies, n_patients, n_scanners) < 2 or scanner_sd < 0 or not error_sd > 0:
        raise ValueError(
            f"n_studies={n_studies}, n_patients={n_patients}, n_scanners={n_scanners} (two or"
            f" more), scanner_sd={scanner_sd} (not below 0), error_sd={error_sd} (above 0)"
        )
    patients = rng.normal(size=(n_studies, n_patients, 1))
    scanners = scanner_sd * rng.normal(size=(n_studies, 1, n_scanners))
    return patients + scanners + error_sd * rng.normal(size=(n_studies, n_patients, n_scanners))


def coverage_of_intervals(
    n_studies: int,
    *,
    rng: np.random.Generator,
    n_patients: int,
    n_scanners: int,
    scanner_sd: float,
    error_sd: float,
    n_resamples: int = 200,
    n_draws: int = 2000,
    level: float = 0.95,
) -> Coverage:
    """Repeat a study, and count whose interval of ICC(2,1) holds the truth.

    Args:
        n_studies: how many; each draws patients and scanners anew.
        rng: draws all.
        n_patients, n_scanners: of one study.
        scanner_sd, error_sd: in SDs of the patients.
        n_resamples: bootstrap samples of patients behind each interval.
        n_draws: of the pivots, the same for all studies.
        level: confidence that is promised.

    Raises:
        ValueError: as `drawn_studies`.

    Example:
        >>> found = coverage_of_intervals(
        ...     100, rng=np.random.default_rng(0), n_patients=30, n_scanners=2, scanner_sd=0.5,
        ...     error_sd=0.3)
        >>> found.over_patients.value < found.by_f.value < 0.9 < found.pivotal.value
        True

    Source: as the module.
    """
    studies = drawn_studies(
        n_studies,
        rng=rng,
        n_patients=n_patients,
        n_scanners=n_scanners,
        scanner_sd=scanner_sd,
        error_sd=error_sd,
    )
    truth = true_icc(scanner_sd=scanner_sd, error_sd=error_sd)
    exact = intraclass_correlation(studies, form="2,1", level=level)
    ends = np.array(
        [
            np.quantile(
                bootstrap_icc(study, rng=rng, n_resamples=n_resamples),
                [(1 - level) / 2, (1 + level) / 2],
            )
            for study in studies
        ]
    ).T
    pivots = pivotal_ends(studies, rng=rng, n_draws=n_draws, level=level)

    def holds(low: np.ndarray, high: np.ndarray) -> Estimate:
        return share_of(((low <= truth) & (truth <= high)).astype(float))

    return Coverage(
        by_f=holds(exact.low, exact.high),
        over_patients=holds(*ends),
        pivotal=holds(*pivots),
        width_by_f=float(np.median(exact.high - exact.low)),
        width_over_patients=float(np.median(ends[1] - ends[0])),
        width_pivotal=float(np.median(pivots[1] - pivots[0])),
        truth=truth,
    )
