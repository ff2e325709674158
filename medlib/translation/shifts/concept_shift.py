"""Concept shift: the same images mean something else. Only labels can show it; a few suffice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = ["LabelCheck", "check_labels", "detection_rate"]


@dataclass(frozen=True)
class LabelCheck:
    """Positives among a few new labels against what the old probabilities promise.

    `p_value` is two-sided and exact if the probabilities are right; small = the labels follow
    another rule. `observed` above `expected` = the new observer calls more images positive.
    """

    observed: int
    expected: float
    p_value: float


def check_labels(
    probabilities: Float[np.ndarray, " n"], labels: Int[np.ndarray, " labels"]
) -> LabelCheck:
    """Test whether a few new labels follow the rule p(y|x) that a classifier learned elsewhere.

    If they do, their sum S = Σ y_i has a Poisson-binomial distribution with the probabilities p_i,
    of mean Σ p_i and variance Σ p_i (1 - p_i). The p-value is twice the smaller tail. The images
    may be chosen by anything that depends on x alone: those with p very near 0 or 1 tell little,
    for there old and new observers mostly agree. A change toward more positive calls shows best
    somewhat below one half, one toward fewer above it.

    It sees an observer who calls more, or fewer, images positive; one who swaps as many in either
    direction keeps S and stays unseen.

    Args:
        probabilities: p_i = p(y=1|x_i), calibrated where they were learned.
        labels: the new ones, 0 or 1.

    Raises:
        ValueError: lengths differ, no image, a probability outside [0, 1], another label.

    Example:
        >>> check_labels(np.full(5, 0.5), np.ones(5, dtype=int))
        LabelCheck(observed=5, expected=2.5, p_value=0.0625)

    Akin: Spiegelhalter (1986), doi:10.1002/sim.4780050506, who weighs the residuals by 1 - 2 p.
    """
    p, y = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if p.ndim != 1 or p.shape != y.shape or len(p) == 0:
        raise ValueError(f"{p.shape} probabilities and {y.shape} labels: one of each an image")
    if not ((p >= 0) & (p <= 1)).all() or not np.isin(y, (0, 1)).all():
        raise ValueError("probabilities lie in 0..1 and labels are 0 or 1")
    p_value = float(_two_sided(p[None], y[None])[0])
    return LabelCheck(int(y.sum()), float(p.sum()), p_value)


def detection_rate(
    probabilities: Float[np.ndarray, " n"],
    labels: Int[np.ndarray, " labels"],
    *,
    n_labels: int,
    rng: np.random.Generator,
    n_draws: int = 200,
    level: float = 0.05,
) -> float:
    """Return how often `check_labels` rings when only `n_labels` of a site's images are labelled.

    The images at hand stand for the site, so small sets are drawn from them *with* replacement.
    Without it, a small set that is nearly all of them would vary less than new images do, and false
    alarms would look rarer than they are.

    Args:
        probabilities, labels: of the images at hand, from which `n_draws` small sets are drawn.
        n_labels: images in a small set, >= 1.
        rng: draws them.
        level: rings where p < level.

    Returns:
        Share of the draws: the power of the test, or its false alarms if nothing has changed.

    Raises:
        ValueError: no label, or no image.

    Example:
        >>> p, y = np.full(50, 0.5), np.ones(50, dtype=int)
        >>> rng = np.random.default_rng(0)
        >>> [detection_rate(p, y, n_labels=n, rng=rng) for n in (5, 6)]
        [0.0, 1.0]
    """
    if n_labels < 1 or len(labels) == 0:
        raise ValueError(
            f"n_labels={n_labels} from {len(labels)} images: at least one of each is needed"
        )
    rows = rng.integers(len(labels), size=(n_draws, n_labels))
    return float(np.mean(_two_sided(probabilities[rows], labels[rows]) < level))


def _two_sided(
    p: Float[np.ndarray, "sets n"], labels: Int[np.ndarray, "sets n"]
) -> Float[np.ndarray, " sets"]:
    """The p-value of each set: the law of a sum of unequal coins, one coin after the other."""
    law = np.zeros((len(p), p.shape[1] + 1))
    law[:, 0] = 1
    for coin in p.T[:, :, None]:
        law[:, 1:] = law[:, 1:] * (1 - coin) + law[:, :-1] * coin
        law[:, :1] *= 1 - coin
    sums, total = np.arange(law.shape[1]), labels.sum(axis=1)[:, None]
    below, above = (np.sum(law, axis=1, where=side) for side in (sums <= total, sums >= total))
    return np.minimum(1.0, 2 * np.minimum(below, above))
