"""The proxy A-distance: how well a classifier of a given kind tells two domains apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest

from medlib.translation.shifts.two_sample import learned_on_halves

__all__ = ["ProxyDistance", "proxy_a_distance", "proxy_from_error"]


@dataclass(frozen=True)
class ProxyDistance:
    """2 (1 - 2 ε): 0 = the domains look alike, 2 = every image betrays its domain.

    `error` is ε, the domain classifier's on `n_test` images that it did not learn from; `low` and
    `high` come from ε's exact binomial interval. An estimate below 0 means worse than guessing: it
    is chance, and is kept, because cutting it off would bias the mean of many estimates.
    """

    value: float
    low: float
    high: float
    error: float
    n_test: int


def proxy_from_error(error: float) -> float:
    """Return 2 (1 - 2 ε) for a domain classifier of error ε, on equally many of either domain.

    Raises:
        ValueError: an error outside [0, 1].

    Example:
        >>> [proxy_from_error(e) for e in (0.5, 0.25, 0.0)]
        [0.0, 1.0, 2.0]
    """
    if not 0 <= error <= 1:
        raise ValueError(f"error={error}: a share of mistakes lies between 0 and 1")
    return 2 * (1 - 2 * error)


def proxy_a_distance(
    first: Float[np.ndarray, "n channels"],
    second: Float[np.ndarray, "m other"],
    *,
    rng: np.random.Generator,
    strength: float = 1e-2,
    level: float = 0.95,
) -> ProxyDistance:
    """Estimate the distance between two domains by a linear classifier of the domain.

    d_A = 2 (1 - 2 ε)

    The classifier learns on a random half of each set and is tested on the rest. In its place the
    bound of Ben-David et al. has a supremum over all pairs of hypotheses; one classifier, trained
    on few images, finds less. The estimate leans to the low side.

    Args:
        first, second: features, one row an image, equally many rows; no image in both.
        rng: splits the sets.
        strength: C of the logistic regression (`features.fit_head`).
        level: of the interval.

    Raises:
        ValueError: fewer than 8 images in a set, different numbers of them, or of channels.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 5))
        >>> proxy_a_distance(x, rng.normal(size=(200, 5)) + 9, rng=rng).value
        2.0

    Source: Ben-David et al. (2010), doi:10.1007/s10994-009-5152-4, lemma 2; the proxy: Ben-David
    et al. (2006), doi:10.7551/mitpress/7503.003.0022.
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(
            f"features have shapes {first.shape} and {second.shape}; expected two times (n, c)"
        )
    if len(first) < 8:
        raise ValueError(f"{len(first)} images a domain: give at least 8, half to learn from")
    head, judge = learned_on_halves(first, second, rng=rng, strength=strength)
    wrong = sum(int((head.predict(rows) != d).sum()) for d, rows in enumerate(judge))
    tested = sum(map(len, judge))
    ends = binomtest(wrong, tested).proportion_ci(level)
    low, value, high = (proxy_from_error(e) for e in (ends.high, wrong / tested, ends.low))
    return ProxyDistance(value, low, high, wrong / tested, tested)
