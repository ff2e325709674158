"""What a gate does in the clinic: the network answers what it lets through, a human reads the rest.

Errors of the network and referrals to a human both cost; the curve shows what is bought for what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["ReferralCosts", "ReferralCurve", "cost_at", "referral_curve"]


@dataclass(frozen=True)
class ReferralCosts:
    """What things cost, in wrong answers of the network: one of those costs 1.

    Attributes:
        referral: a reading by a human, whatever its outcome, >= 0.
        reader_error: share of such readings that are wrong, 0..1; a wrong one costs 1 as well.

    Raises:
        ValueError: a number out of its range.
    """

    referral: float
    reader_error: float

    def __post_init__(self) -> None:
        if not self.referral >= 0 or not 0 <= self.reader_error <= 1:
            raise ValueError(
                f"referral = {self.referral} (>= 0), reader_error = {self.reader_error} (0..1): one"
                " is out of range"
            )

    @property
    def of_reading(self) -> float:
        """What an image costs that a human reads."""
        return self.referral + self.reader_error


@dataclass(frozen=True, eq=False)
class ReferralCurve:
    """One entry a threshold, from all referred to none.

    Attributes:
        thresholds: images with a score above it are referred.
        coverage: share of images that the network answers.
        risk: share of its answers that are wrong; 0 where it answers none.
        cost: mean cost of an image.
    """

    thresholds: Float[np.ndarray, " t"]
    coverage: Float[np.ndarray, " t"]
    risk: Float[np.ndarray, " t"]
    cost: Float[np.ndarray, " t"]

    def cheapest(self) -> float:
        """Return the threshold of least cost; of equals the one with most coverage."""
        least = np.flatnonzero(np.isclose(self.cost, self.cost.min(), rtol=0, atol=1e-12))
        return float(self.thresholds[least[-1]])


def referral_curve(
    scores: Float[np.ndarray, " n"],
    wrong: Bool[np.ndarray, " _"],
    *,
    costs: ReferralCosts,
    weights: Float[np.ndarray, " _"] | None = None,
) -> ReferralCurve:
    """Coverage, risk and cost at every threshold.

    With w_i the weights (adding up to 1 after scaling), a_i = 1 for an answered image and e_i = 1
    for a wrong answer: coverage = Σ w a, risk = Σ w a e / Σ w a, and
    cost = Σ w a e + (1 - Σ w a)(referral + reader_error).

    Args:
        scores: of a gate, higher = more unusual; images with equal scores go together.
        wrong: whether the network's answer is wrong; for an image of no known class it always is.
        costs: of a referral and of a human's error.
        weights: how frequent each image is in the clinic; equal by default.

    Raises:
        ValueError: shapes differ, or weights are negative or all zero.

    Example:
        >>> curve = referral_curve(np.array([1.0, 2, 3]), np.array([False, False, True]),
        ...                        costs=ReferralCosts(referral=0.1, reader_error=0.0))
        >>> curve.coverage.round(2).tolist(), curve.cost.round(2).tolist()
        ([0.0, 0.33, 0.67, 1.0], [0.1, 0.07, 0.03, 0.33])
        >>> curve.cheapest()
        2.0

    Source: selective classification, El-Yaniv and Wiener (2010), JMLR 11:1605; its costs, Chow
    (1970), doi:10.1109/TIT.1970.1054406.
    """
    scores, wrong = np.asarray(scores, dtype=float), np.asarray(wrong, dtype=bool)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    if not scores.shape == wrong.shape == weights.shape or scores.ndim != 1 or len(scores) == 0:
        raise ValueError(
            f"scores {scores.shape}, wrong {wrong.shape}, weights {weights.shape}: give one of"
            " each an image"
        )
    if (weights < 0).any() or weights.sum() <= 0:
        raise ValueError("weights are negative or all zero; they say how frequent images are")
    weights = weights / weights.sum()
    order = np.argsort(scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) > 0, True))  # last of each equal run
    coverage = np.append(0.0, np.cumsum(weights[order])[ends])
    mistaken = np.append(0.0, np.cumsum((weights * wrong)[order])[ends])
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(coverage > 0, mistaken / coverage, 0.0)
    cost = mistaken + (1 - coverage) * costs.of_reading
    thresholds = np.append(-np.inf, scores[order][ends])
    return ReferralCurve(thresholds, np.minimum(coverage, 1.0), risk, cost)


def cost_at(
    scores: Float[np.ndarray, " n"],
    wrong: Bool[np.ndarray, " n"],
    *,
    threshold: float,
    costs: ReferralCosts,
    weights: Float[np.ndarray, " n"] | None = None,
) -> float:
    """The mean cost of an image if those with scores above a threshold are referred.

    Choose the threshold on other images than those judged here.

    Example:
        >>> costs = ReferralCosts(referral=0.1, reader_error=0.0)
        >>> cost_at(np.array([1.0, 3.0]), np.array([False, True]), threshold=2.0, costs=costs)
        0.05
    """
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    each = np.where(np.asarray(scores) > threshold, costs.of_reading, np.asarray(wrong, float))
    return float(np.average(each, weights=weights))
