"""Do two sets of unlabelled images differ? Ask a classifier to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import mannwhitneyu

from medlib.measures.auc import auc
from medlib.nets.features import fit_head

__all__ = ["TwoSample", "classifier_two_sample", "learned_on_halves"]


@dataclass(frozen=True)
class TwoSample:
    """The AUC of a classifier that guesses which set an image is from, on images it did not see.

    0.5 = it cannot tell. `low` and `high` bound the AUC by DeLong's interval; `p_value` is that of
    the Mann-Whitney test, small = the sets differ.
    """

    auc: float
    low: float
    high: float
    p_value: float
    n_test: int


def classifier_two_sample(
    first: Float[np.ndarray, "n channels"],
    second: Float[np.ndarray, "m other"],
    *,
    rng: np.random.Generator,
    strength: float = 1e-3,
    level: float = 0.95,
) -> TwoSample:
    """Test whether two sets of features have one distribution, by a classifier of the sets.

    A logistic regression learns on a random half of each set to tell the second from the first;
    the AUC on the other halves is the statistic. Learning on one half and testing on the other
    keeps the test exact, whatever the classifier does: it can miss a shift, not invent one.

    Args:
        first, second: features of unlabelled images, one row an image.
        rng: splits the sets.
        strength: C of the logistic regression (`features.fit_head`).
        level: of the interval.

    Returns:
        TwoSample; auc higher = more different.

    Raises:
        ValueError: fewer than 8 images in a set, or different channels.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> same = classifier_two_sample(*rng.normal(size=(2, 300, 5)), rng=rng)
        >>> same.low < 0.5 < same.high
        True

    Source: Lopez-Paz and Oquab (2017), doi:10.48550/arXiv.1610.06545.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features have shapes {first.shape} and {second.shape}; expected (n, c) and (m, c)"
        )
    if min(len(first), len(second)) < 8:
        raise ValueError(
            f"{len(first)} and {len(second)} images: give at least 8 of each, half to learn from"
        )
    head, judge = learned_on_halves(first, second, rng=rng, strength=strength)
    scores = [head.decision_function(part) for part in judge]
    found = auc(scores[1], scores[0], level=level)
    p_value = mannwhitneyu(scores[1], scores[0], alternative="greater").pvalue
    return TwoSample(found.value, found.low, found.high, float(p_value), sum(map(len, scores)))


def learned_on_halves(
    first: Float[np.ndarray, "n channels"],
    second: Float[np.ndarray, "m channels"],
    *,
    rng: np.random.Generator,
    strength: float,
) -> tuple[Any, tuple[np.ndarray, np.ndarray]]:
    """Return a classifier of the sets that learned on a random half of each, and the other halves.

    Returns:
        (what `features.fit_head` returns, for labels 0 = first and 1 = second; the rows of either
        set that it did not learn from).
    """
    learn, judge = zip(*(_halves(part, rng) for part in (first, second)), strict=True)
    labels = np.repeat([0, 1], [len(part) for part in learn])
    return fit_head(np.concatenate(learn), labels, strength=strength), judge


def _halves(rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = rng.permutation(len(rows))
    return rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]
