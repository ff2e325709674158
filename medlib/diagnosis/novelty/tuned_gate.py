"""Gates tuned by what they cost: of several scores the one that is cheapest on validation cases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from medlib.diagnosis.novelty.referral import ReferralCosts, ReferralCurve, referral_curve

__all__ = ["cheapest_gate", "cost_by_kind", "mix_curve"]

ByKind = Mapping[str, Float[np.ndarray, " _"]]


def mix_curve(
    scores: ByKind,
    wrong: Mapping[str, Bool[np.ndarray, " _"]],
    *,
    shares: Mapping[str, float],
    costs: ReferralCosts,
) -> ReferralCurve:
    """The referral curve of a clinic's mix, from samples of each kind of case.

    Every case of kind k weighs w_k / n_k.

    Args:
        scores: of a gate, by kind, higher = more unusual.
        wrong: whether the network's answer is wrong, by kind.
        shares: w_k, of the kinds that occur.
        costs: of a referral and of a human's error.

    Example:
        >>> curve = mix_curve({"usual": np.zeros(4), "odd": np.ones(1)},
        ...     {"usual": np.zeros(4, bool), "odd": np.ones(1, bool)},
        ...     shares={"usual": 0.9, "odd": 0.1}, costs=ReferralCosts(0.1, 0.0))
        >>> curve.coverage.round(1).tolist(), curve.cost.round(2).tolist()
        ([0.0, 0.9, 1.0], [0.1, 0.01, 0.1])
    """
    weights = [
        np.full(len(scores[kind]), share / len(scores[kind])) for kind, share in shares.items()
    ]
    return referral_curve(
        np.concatenate([scores[kind] for kind in shares]),
        np.concatenate([wrong[kind] for kind in shares]),
        costs=costs,
        weights=np.concatenate(weights),
    )


def cheapest_gate(
    options: Mapping[str, ByKind],
    wrong: Mapping[str, Bool[np.ndarray, " _"]],
    *,
    shares: Mapping[str, float],
    costs: ReferralCosts,
) -> tuple[str, float]:
    """Return the option with the least cost at its own cheapest threshold, and that threshold.

    Args:
        options: what may be chosen, such as a score at several depths: scores by kind of each.
        wrong: whether the network's answer is wrong, by kind.
        shares: of the kinds in the *validation* mix.
        costs: of a referral and of a human's error.

    Returns:
        The name of the option, of equals the first; cases with a score above the threshold are
        referred.

    Raises:
        ValueError: there is no option.

    Example:
        >>> wrong = {"usual": np.zeros(4, bool), "odd": np.ones(4, bool)}
        >>> blind = {"usual": np.arange(4.0), "odd": np.arange(4.0)}
        >>> sees = {"usual": np.arange(4.0), "odd": np.arange(4.0) + 9}
        >>> cheapest_gate({"blind": blind, "sees": sees}, wrong, costs=ReferralCosts(0.1, 0.0),
        ...               shares={"usual": 0.9, "odd": 0.1})
        ('sees', 3.0)
    """
    if not options:
        raise ValueError("options is empty: give one score or more")
    curves = {
        name: mix_curve(scores, wrong, shares=shares, costs=costs)
        for name, scores in options.items()
    }
    best = min(curves, key=lambda name: curves[name].cost.min())
    return best, curves[best].cheapest()


def cost_by_kind(
    scores: ByKind,
    wrong: Mapping[str, Bool[np.ndarray, " _"]],
    *,
    threshold: float,
    costs: ReferralCosts,
) -> dict[str, Float[np.ndarray, " _"]]:
    """What every case costs: a reading if its score is above the threshold, else its error.

    Example:
        >>> cost_by_kind({"a": np.array([1.0, 3.0])}, {"a": np.array([True, True])},
        ...              threshold=2.0, costs=ReferralCosts(0.1, 0.02))["a"].round(2).tolist()
        [1.0, 0.12]
    """
    return {
        kind: np.where(each > threshold, costs.of_reading, np.asarray(wrong[kind], dtype=float))
        for kind, each in scores.items()
    }
