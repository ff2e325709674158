"""One shifted domain beside home, and how well what is estimated ranks many of them by harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import spearmanr

from medlib.translation.shifts.adaptation_bound import BoundTerms
from medlib.translation.shifts.proxy_distance import ProxyDistance

__all__ = ["Redrawn", "ShiftedDomain", "rank_correlation", "ranked_by_harm", "redrawn_ranks"]


@dataclass(frozen=True, eq=False)
class ShiftedDomain:
    """What is estimated of one domain, and what the head from home really does there.

    Args:
        terms: of the bound.
        wrong: which test images of the domain the head from home mistakes.
        joint: which test images, of home and of the domain, the jointly trained one mistakes.
        proxy: the distance behind the terms.
    """

    terms: BoundTerms
    wrong: Bool[np.ndarray, " m"]
    joint: tuple[Bool[np.ndarray, " m"], Bool[np.ndarray, " m"]]
    proxy: ProxyDistance

    @property
    def error(self) -> float:
        """The head's share of mistakes."""
        return float(self.wrong.mean())

    @property
    def room(self) -> float:
        """The estimated bound minus the error; below 0 = the error exceeds it."""
        return self.terms.value - self.error


@dataclass(frozen=True)
class Redrawn:
    """A number, and between which ends it lies in 95 % of redrawn data.

    The percentile interval of the bootstrap. Redrawing adds noise of its own, which lowers a rank
    correlation: the number may lie outside. Then `around` is None, and whoever shows it says so.
    """

    value: float
    low: float
    high: float

    @property
    def around(self) -> tuple[float, float] | None:
        """The ends if the number lies between them, else None."""
        return (self.low, self.high) if self.low <= self.value <= self.high else None

    def __str__(self) -> str:
        side = (
            "" if self.around else ", outside: " + ("below" if self.value < self.low else "above")
        )
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}{side})"


def rank_correlation(
    x: Sequence[float] | Float[np.ndarray, " n"], y: Sequence[float] | Float[np.ndarray, " n"]
) -> float:
    """Spearman's, and 0 where one of the two does not vary: it then ranks nothing.

    Example:
        >>> rank_correlation([1, 2, 3], [10, 20, 15]), rank_correlation([1, 1, 1], [1, 2, 3])
        (0.5, 0.0)
    """
    return float(spearmanr(x, y).statistic) if np.ptp(x) > 0 and np.ptp(y) > 0 else 0.0


def ranked_by_harm(
    domains: Sequence[ShiftedDomain],
    *,
    home: Int[np.ndarray, " k"] | None = None,
    away: Int[np.ndarray, " k"] | None = None,
    rng: np.random.Generator | None = None,
) -> dict[str, float]:
    """Return the rank correlation with the error of distance, joint error and bound over domains.

    ε_S is the same for all domains and ranks nothing, so it is left out of the bound.

    Args:
        domains: two or more, with equally many test images.
        home, away: which test images count; by default each once.
        rng: draws each distance from its binomial law; None = as measured.
    """
    domains = list(domains)
    rows_s, rows_t = (slice(None) if rows is None else rows for rows in (home, away))
    error = [each.wrong[rows_t].mean() for each in domains]
    missed = np.array([each.proxy.error for each in domains])
    if rng is not None:
        tested = np.array([each.proxy.n_test for each in domains])
        missed = rng.binomial(tested, missed) / tested
    d = 1 - 2 * missed
    joint = np.array([s[rows_s].mean() + t[rows_t].mean() for s, t in (e.joint for e in domains)])
    found = {"distance": d, "joint": joint, "bound": np.maximum(d, 0) + joint}
    return {name: rank_correlation(x, error) for name, x in found.items()}


def redrawn_ranks(
    domains: Sequence[ShiftedDomain], *, rng: np.random.Generator, n_resamples: int
) -> tuple[dict[str, Redrawn], Redrawn]:
    """Return `ranked_by_harm` with what redrawn test images do to it.

    The test images of home and of all domains are redrawn, each distance is drawn from its binomial
    law. The domains are whoever chose them's, and no interval covers that choice.

    Returns:
        (estimate -> its rank correlation; the lead of the joint error over the distance).
    """
    domains = list(domains)
    m = len(domains[0].wrong)
    point = ranked_by_harm(domains)
    again: list[dict[str, float]] = []
    for _ in range(n_resamples):
        home, away = rng.integers(m, size=(2, m))
        again.append(ranked_by_harm(domains, home=home, away=away, rng=rng))

    def redrawn(value: float, draws: list[float]) -> Redrawn:
        low, high = np.quantile(draws, [0.025, 0.975])
        return Redrawn(value, float(low), float(high))

    ranks = {name: redrawn(value, [a[name] for a in again]) for name, value in point.items()}
    lead = [a["joint"] - a["distance"] for a in again]
    return ranks, redrawn(point["joint"] - point["distance"], lead)
