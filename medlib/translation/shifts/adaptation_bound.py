"""Ben-David's bound on the error in a new domain, its terms, and what its guarantee would cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medlib.nets.features import fit_head

__all__ = ["BoundTerms", "complexity_term", "images_needed", "joint_mistakes"]


@dataclass(frozen=True)
class BoundTerms:
    """The three terms of ε_T <= ε_S + d/2 + λ, each true or estimated.

    Args:
        source_error: ε_S, the hypothesis' error at home.
        distance: d, the HΔH-divergence (0 to 2), or a proxy of it.
        joint_error: λ, the least ε_S + ε_T that one hypothesis can have, or an estimate.

    Raises:
        ValueError: an error outside its range. A distance below 0 is let through: estimates have
            noise.

    Example:
        >>> BoundTerms(source_error=0.1, distance=1.0, joint_error=0.2).value
        0.8

    Source: Ben-David et al. (2010), theorem 2, doi:10.1007/s10994-009-5152-4.
    """

    source_error: float
    distance: float
    joint_error: float

    def __post_init__(self) -> None:
        if not 0 <= self.source_error <= 1 or not 0 <= self.joint_error <= 2:
            raise ValueError(
                f"source_error={self.source_error} (0..1), joint_error={self.joint_error} (0..2):"
                " one is outside its range"
            )

    @property
    def value(self) -> float:
        """Return ε_S + max(d, 0)/2 + λ."""
        return self.source_error + max(self.distance, 0.0) / 2 + self.joint_error

    @property
    def vacuous(self) -> bool:
        """Return whether the bound is 1 or more: then it says nothing, errors never exceed 1."""
        return self.value >= 1


def joint_mistakes(
    learn: Sequence[tuple[Float[np.ndarray, "n channels"], Int[np.ndarray, " n"]]],
    judge: Sequence[tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]]],
    *,
    strength: float = 1e-2,
) -> tuple[Bool[np.ndarray, " m"], ...]:
    """Return which images of each domain one hypothesis, trained on all domains at once, mistakes.

    λ = min_h (ε_S(h) + ε_T(h)); the sum of the domains' shares of mistakes estimates it from
    above: a trained hypothesis is one among all, and it minimises a surrogate on few images.

    Args:
        learn: (features, labels) of each domain, to train on together; equally many of each, or
            one domain counts for more.
        judge: the same domains' images to count mistakes on, none of them in `learn`.
        strength: C of the logistic regression.

    Raises:
        ValueError: other numbers of domains to learn from than to judge on.

    Example:
        >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> home, away = joint_mistakes([(x, y), (x + 0.1, y)], [(x, y), (x + 0.1, 1 - y)])
        >>> float(home.mean()), float(away.mean())
        (0.0, 1.0)
    """
    if len(learn) != len(judge):
        raise ValueError(f"{len(learn)} domains to learn from, but {len(judge)} to judge on")
    features, labels = (np.concatenate(parts) for parts in zip(*learn, strict=True))
    head = fit_head(features, labels, strength=strength)
    return tuple(head.predict(x) != y for x, y in judge)


def complexity_term(*, vc_dimension: int, images: int, delta: float = 0.05) -> float:
    """Return what theorem 2 adds when the distance is estimated on m' images of each domain.

    4 sqrt((2 D ln(2 m') + ln(2/δ)) / m')

    Args:
        vc_dimension: D of the hypotheses; k + 1 for linear classifiers of k features.
        images: m', unlabelled images a domain.
        delta: the bound may fail with this probability.

    Raises:
        ValueError: a number outside its range.

    Example:
        >>> round(complexity_term(vc_dimension=1281, images=200), 1)
        35.0
    """
    if vc_dimension < 1 or images < 1 or not 0 < delta < 1:
        raise ValueError(
            f"vc_dimension={vc_dimension} (>= 1), images={images} (>= 1), delta={delta}"
            " (0 < delta < 1): one is outside its range"
        )
    return 4 * math.sqrt((2 * vc_dimension * math.log(2 * images) + math.log(2 / delta)) / images)


def images_needed(*, vc_dimension: int, at_most: float, delta: float = 0.05) -> int:
    """Return the least power of two of images a domain that brings `complexity_term` down.

    Raises:
        ValueError: a term that is not above 0.

    Example:
        >>> images_needed(vc_dimension=1281, at_most=0.1) > 10**7
        True
    """
    if not at_most > 0:
        raise ValueError(f"at_most={at_most}: the term never reaches 0")
    images = 1
    while complexity_term(vc_dimension=vc_dimension, images=images, delta=delta) > at_most:
        images *= 2
    return images
