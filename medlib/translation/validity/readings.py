"""Simulated readings of a biomarker by scanners: how reproducible and how useful, set apart.

    true    = separation · label + N(0, 1)
    reading = offset + gain · (true + noise · N(0, 1)),   offset and gain of the scanner

Separation alone decides whether the biomarker matters, noise, offset and gain whether it can be
measured again. No separation and little noise: reproducible and useless. Much of both: useful and
irreproducible. One is no proof of the other; only noise touches both.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer
from scipy.stats import norm

__all__ = ["auc_under_noise", "icc_under_noise", "simulated_readings"]


def simulated_readings(
    labels: Integer[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    separation: float,
    noise: float,
    gains: tuple[float, ...] = (1.0, 1.0),
    offsets: tuple[float, ...] = (0.0, 0.0),
    repeats: int = 2,
) -> Float[np.ndarray, "n scanners repeats"]:
    """Readings of each patient on each scanner, several times; simulated, without a unit.

    Args:
        labels: 0 or 1.
        rng: draws patients and noise.
        separation: of the labels' true means, in SDs of the true value within a label.
        noise: SD of the error of a reading, in the same SDs.
        gains, offsets: of each scanner.
        repeats: of each patient on each scanner.

    Raises:
        ValueError: labels other than 0 and 1, a gain that is not above 0, or noise below 0.

    Example:
        >>> found = simulated_readings(
        ...     np.array([0, 1]), rng=np.random.default_rng(0), separation=1.0, noise=0.0)
        >>> found.shape, bool((found == found[:, :1, :1]).all())
        ((2, 2, 2), True)
    """
    labels = np.asarray(labels)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels are 0 or 1")
    if len(gains) != len(offsets) or min(gains) <= 0 or noise < 0 or repeats < 1:
        raise ValueError(
            f"gains={gains}, offsets={offsets}, noise={noise}, repeats={repeats}: one gain above 0"
            " and one offset a scanner, noise not below 0, at least one reading"
        )
    true = separation * labels + rng.normal(size=len(labels))
    error = noise * rng.normal(size=(len(labels), len(gains), repeats))
    gain, offset = (np.array(part, dtype=float)[:, None] for part in (gains, offsets))
    return offset + gain * (true[:, None, None] + error)


def auc_under_noise(*, separation: float, noise: float) -> float:
    """AUC of one reading: Φ(separation / √(2 (1 + noise²))); gain and offset do not enter.

    Raises:
        ValueError: noise below 0.

    Example:
        >>> round(auc_under_noise(separation=2.0, noise=1.0), 3)
        0.841

    Source: Coffin and Sukhatme (1997), Receiver operating characteristic studies and measurement
    errors, Biometrics 53.
    """
    if noise < 0:
        raise ValueError(f"noise={noise}: not below 0")
    return float(norm.cdf(separation / np.sqrt(2 * (1 + noise**2))))


def icc_under_noise(*, separation: float, noise: float, prevalence: float) -> float:
    """ICC of repeats on one scanner: (1 + π(1 - π) separation²) over that plus noise².

    It rises with the separation, as patients differ more: a useful biomarker looks more
    reproducible than it is among patients of one kind.

    Raises:
        ValueError: noise below 0, or a prevalence outside 0..1.

    Example:
        >>> round(icc_under_noise(separation=0.0, noise=0.1, prevalence=0.3), 3)
        0.99
    """
    if noise < 0 or not 0 <= prevalence <= 1:
        raise ValueError(f"noise={noise}, prevalence={prevalence}: not below 0, and within 0..1")
    between = 1 + prevalence * (1 - prevalence) * separation**2
    return float(between / (between + noise**2))
