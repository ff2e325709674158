"""A control of the two-sample test: deal one pool of images to two sites, again and again."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from medlib.translation.shifts.two_sample import TwoSample, classifier_two_sample

__all__ = ["dealt_again"]


def dealt_again(
    at_home: Float[np.ndarray, "n _"],
    abroad: Float[np.ndarray, "m _"],
    *,
    n_each: int,
    n_deals: int,
    rng: np.random.Generator,
) -> list[TwoSample]:
    """Return the two-sample test of each of many deals of the same images to two sites.

    One p-value cannot tell a control that fails from one of the level's own false alarms; many
    deals can: if the sites see alike, the test rings in the level's share of them, by chance.

    Args:
        at_home: features of the pool's images as the home site sees them.
        abroad: of the same images, row by row, as the other site would see them; the same array if
            the sites see alike.
        n_each: images dealt to each site, all different.
        n_deals: how often they are dealt; each deal is drawn by itself.
        rng: deals, and splits for the test.

    Raises:
        ValueError: the arrays differ in shape, there are fewer than 2 · n_each images, or no deal.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> pool = rng.normal(size=(200, 3))
        >>> found = dealt_again(pool, pool, n_each=100, n_deals=40, rng=rng)
        >>> sum(test.p_value < 0.05 for test in found) <= 6
        True
        >>> found = dealt_again(pool, pool + 1, n_each=100, n_deals=40, rng=rng)
        >>> sum(test.p_value < 0.05 for test in found)
        40
    """
    if at_home.shape != abroad.shape:
        raise ValueError(f"{at_home.shape} features at home, {abroad.shape} abroad: of one pool")
    if n_deals < 1 or not 2 * n_each <= len(at_home):
        raise ValueError(
            f"n_deals={n_deals} (>= 1) of {n_each} images to each of two sites, from a pool of"
            f" {len(at_home)}: no image is dealt twice"
        )
    found = []
    for _ in range(n_deals):
        order = rng.permutation(len(at_home))
        sides = at_home[order[:n_each]], abroad[order[n_each : 2 * n_each]]
        found.append(classifier_two_sample(*sides, rng=rng))
    return found
