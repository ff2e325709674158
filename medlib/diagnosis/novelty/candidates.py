"""Six scores with the settings that each may be tried with, all on the same features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from medlib.diagnosis.novelty.confidence import energy_score, max_softmax_score
from medlib.diagnosis.novelty.gaussians import LEDOIT_WOLF, fit_gaussians, mahalanobis_score
from medlib.diagnosis.novelty.nearest_mean import nearest_mean_score
from medlib.diagnosis.novelty.neighbours import neighbour_scores
from medlib.diagnosis.novelty.relative import RelativeMahalanobis

__all__ = ["METHODS", "SETTINGS", "Candidate", "candidates"]

METHODS = (
    "Mahalanobis",
    "relative Mahalanobis",
    "Euclid",
    "k-th neighbour",
    "max-softmax",
    "energy",
)
#: What each is tried with. Shrinkage ends in Euclid's distance, which is an arm of its own; at
#: either end of the temperatures nothing changes any more but the size of the score.
SETTINGS: dict[str, tuple[float | str, ...]] = {
    "shrinkage": (LEDOIT_WOLF, 0.1, 0.5, 0.9),
    "k": (1, 5, 25, 125),
    "temperature": (0.1, 1.0, 10.0, 100.0),
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A score, ready to be called with features; higher = more unusual.

    Attributes:
        method: one of `METHODS`.
        setting: its own setting, in words, such as "k = 5"; empty if it has none.
        score: from features (n, d) to scores (n,).
    """

    method: str
    setting: str
    score: Callable[[np.ndarray], np.ndarray]


def candidates(
    known: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    logits: Callable[[np.ndarray], np.ndarray],
) -> Iterator[Candidate]:
    """Yield every method with every setting of its own.

    Settings that the data do not allow (a k above n, a covariance without Cholesky factor) are
    left out.

    Args:
        known: features of known images to learn from.
        labels: of each, 0..classes-1.
        logits: a classifier of the same features, (n, d) to (n, classes).

    Example:
        >>> f = np.random.default_rng(0).normal(size=(40, 3))
        >>> found = list(candidates(f, np.arange(40) % 2, logits=lambda x: x[:, :2]))
        >>> [sum(each.method == method for each in found) for method in METHODS]
        [4, 4, 1, 3, 4, 4]
    """
    together = np.zeros(len(known), dtype=int)
    for amount in SETTINGS["shrinkage"]:
        said = f"shrinkage {amount if isinstance(amount, str) else f'{amount:g}'}"
        try:
            near = fit_gaussians(known, labels, shrinkage=amount)
            overall = fit_gaussians(known, together, shrinkage=amount)
        except ValueError:
            continue
        yield Candidate("Mahalanobis", said, partial(mahalanobis_score, near))
        yield Candidate("relative Mahalanobis", said, RelativeMahalanobis(near, overall))
    yield Candidate("Euclid", "", partial(nearest_mean_score, known=known, labels=labels))
    for k in SETTINGS["k"]:
        if k <= len(known):
            score = partial(_one_neighbour, known=known, k=k)
            yield Candidate("k-th neighbour", f"k = {k}", score)
    for temperature in SETTINGS["temperature"]:
        for method, score in (("max-softmax", max_softmax_score), ("energy", energy_score)):
            heat = partial(_of_logits, logits=logits, score=score, temperature=temperature)
            yield Candidate(method, f"T = {temperature:g}", heat)


def _one_neighbour(features: np.ndarray, *, known: np.ndarray, k: int) -> np.ndarray:
    return neighbour_scores(features, known=known, ks=[k])[0]


def _of_logits(features: np.ndarray, *, logits, score, temperature: float) -> np.ndarray:
    return score(logits(features), temperature=temperature)
