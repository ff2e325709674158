"""The AUC of patients who do not all count alike."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

__all__ = ["weighted_auc"]


def weighted_auc(
    scores: Float[np.ndarray, " n"],
    response: Int[np.ndarray, " responses"],
    *,
    weights: Float[np.ndarray, " weights"],
) -> float:
    """P(responder's score > another's), each pair counted by the product of its weights; ties half.

    Args:
        scores: higher = response.
        response: 0 or 1.
        weights: of each patient, >= 0.

    Raises:
        ValueError: lengths differ, a weight is negative, or one response has no weight.

    Example:
        >>> three = np.array([0.0, 1.0, 2.0]), np.array([1, 0, 1])
        >>> weighted_auc(*three, weights=np.array([1.0, 1.0, 3.0]))
        0.75
    """
    if not len(scores) == len(response) == len(weights) or (np.asarray(weights) < 0).any():
        raise ValueError(
            f"{len(scores)} scores, {len(response)} responses, {len(weights)} weights: one of each"
            " a patient, weights not negative"
        )
    present = np.where(np.asarray(response) == 1, weights, 0.0)
    absent = weights - present
    if not present.sum() > 0 or not absent.sum() > 0:
        raise ValueError("one response has no weight: an AUC compares two")
    _, place = np.unique(scores, return_inverse=True)
    ones, others = np.bincount(place, weights=present), np.bincount(place, weights=absent)
    below = np.cumsum(others) - others
    return float((ones * (below + others / 2)).sum() / (ones.sum() * others.sum()))
