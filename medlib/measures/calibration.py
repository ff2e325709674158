"""Calibration: among images given a probability of 0.2, one in five should be positive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression

__all__ = [
    "LogitLine",
    "Reliability",
    "brier_score",
    "calibration_error",
    "fit_logit_line",
    "log_loss",
    "reliability",
]

_EDGE = 1e-12  # probabilities nearer to 0 or 1 than this are moved here before a logarithm


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability curve: one entry a bin, from low to high probability.

    `low` and `high` bound the true share by Wilson's 95 % interval.
    """

    predicted: Float[np.ndarray, " bins"]
    observed: Float[np.ndarray, " bins"]
    low: Float[np.ndarray, " bins"]
    high: Float[np.ndarray, " bins"]
    counts: Int[np.ndarray, " bins"]


@dataclass(frozen=True)
class LogitLine:
    """Platt's recalibration: logit p_new = slope · logit p + offset.

    Slope below 1 = the classifier was too sure of itself; 1 and 0 change nothing.

    Example:
        >>> LogitLine(slope=0.5, offset=0.0)(np.array([0.5, 0.9])).round(2)
        array([0.5 , 0.75])
    """

    slope: float
    offset: float

    def __call__(self, probabilities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return expit(self.slope * _logit(probabilities) + self.offset)


def reliability(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"], *, bins: int = 10
) -> Reliability:
    """Return mean probability against share of positives, in bins that hold equally many images.

    Bins end at the quantiles of the probabilities, so that none is empty where most predictions
    crowd near 0, as at a low prevalence. Equal probabilities share a bin; there are then fewer.

    Args:
        probabilities: of the positive class.
        labels: 0 or 1.
        bins: at most so many.

    Raises:
        ValueError: lengths differ, a probability outside [0, 1], a label other than 0 and 1, or
            fewer images than bins.

    Example:
        >>> curve = reliability(np.array([0.1, 0.3, 0.6, 0.8]), np.array([0, 0, 1, 1]), bins=2)
        >>> curve.predicted, curve.observed
        (array([0.2, 0.7]), array([0., 1.]))

    Source: equal-mass bins, Nixon et al. (2019), doi:10.48550/arXiv.1904.01685.
    """
    predicted, observed, counts = _bins(probabilities, labels, bins)
    ends = np.array(
        [
            binomtest(round(share * n), int(n)).proportion_ci(method="wilson")
            for share, n in zip(observed, counts, strict=True)
        ]
    )
    return Reliability(predicted, observed, ends[:, 0], ends[:, 1], counts)


def calibration_error(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"], *, bins: int = 10
) -> float:
    """Return the expected calibration error over equal-mass bins; 0 = calibrated.

    ECE = Σ_b n_b/n |mean probability - share of positives| in bin b

    It is above 0 by chance alone, the more the fewer images a bin holds: compare it only between
    equally many images and bins.

    Raises:
        ValueError: as `reliability`.

    Example:
        >>> round(calibration_error(np.full(4, 0.6), np.array([0, 0, 1, 1]), bins=2), 3)
        0.1

    Source: Naeini et al. (2015), doi:10.1609/aaai.v29i1.9602, here with equal-mass bins.
    """
    predicted, observed, counts = _bins(probabilities, labels, bins)
    return float(np.abs(predicted - observed) @ counts / counts.sum())


def brier_score(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"]
) -> float:
    """Return the mean of (p - y)²; lower = better, 0 = perfect.

    Raises:
        ValueError: as `reliability`.

    Example:
        >>> brier_score(np.array([0.5, 1.0]), np.array([0, 1]))
        0.125

    Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    p, y = _checked(probabilities, labels)
    return float(np.mean((p - y) ** 2))


def log_loss(probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"]) -> float:
    """Return the mean of -ln p(label) in nats; lower = better, 0 = perfect.

    A probability of 0 for what then happened costs 27.6 nats instead of infinitely many.

    Raises:
        ValueError: as `reliability`.

    Example:
        >>> round(log_loss(np.array([0.5, 1.0]), np.array([0, 1])), 4)
        0.3466
    """
    p, y = _checked(probabilities, labels)
    p = np.clip(p, _EDGE, 1 - _EDGE)
    return float(-np.mean(np.log(np.where(y == 1, p, 1 - p))))


def fit_logit_line(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"]
) -> LogitLine:
    """Fit Platt's line on labelled images that the classifier did not learn from.

    A logistic regression of the label on logit p, without shrinkage.

    Raises:
        ValueError: as `reliability`, or labels of one class only.

    Example:
        >>> p, y = np.repeat([0.01, 0.99], 10), np.repeat([0, 1, 0, 1], [8, 2, 2, 8])
        >>> fit_logit_line(p, y)(np.array([0.01, 0.99])).round(3)
        array([0.2, 0.8])

    Source: Platt (1999); its use before a prior is estimated, Alexandari et al. (2020),
    doi:10.48550/arXiv.1901.06852.
    """
    p, y = _checked(probabilities, labels)
    if len(np.unique(y)) < 2:
        raise ValueError(f"all {len(y)} labels are {int(y[0])}: a calibration needs both classes")
    fit = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8).fit(_logit(p)[:, None], y)
    return LogitLine(float(fit.coef_[0, 0]), float(fit.intercept_[0]))


def _bins(
    probabilities: np.ndarray, labels: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability, share of positives and number of images in each equal-mass bin."""
    p, y = _checked(probabilities, labels)
    if not 1 <= bins <= len(p):
        raise ValueError(f"bins={bins}: between 1 and the number of images, {len(p)}")
    edges = np.percentile(p, 100 * np.linspace(0, 1, bins + 1))[1:-1]
    which = np.unique(np.searchsorted(edges, p), return_inverse=True)[1]
    counts = np.bincount(which)
    return np.bincount(which, p) / counts, np.bincount(which, y) / counts, counts


def _logit(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(probabilities, dtype=float), _EDGE, 1 - _EDGE))


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, y = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if p.ndim != 1 or p.shape != y.shape or len(p) == 0:
        raise ValueError(
            f"probabilities have shape {p.shape}, labels {y.shape}; give one probability (of the "
            "positive class) and one label an image"
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"probabilities run from {p.min():g} to {p.max():g}; they lie in 0..1")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("labels are 0 or 1")
    return p, y
