"""The distance to the k-th nearest known image: no means, no Gaussians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.metrics.pairwise import euclidean_distances

__all__ = ["neighbour_scores"]


def neighbour_scores(
    features: Float[np.ndarray, "n d"], *, known: Float[np.ndarray, "m d"], ks: Sequence[int]
) -> Float[np.ndarray, "ks n"]:
    """Return for each k the distance |f - f_(k)| to the k-th nearest known image.

    A known image that is judged by a set that holds it has itself as its first neighbour, at
    distance 0: judge known images by others.

    Args:
        features: to be judged.
        known: features of known images.
        ks: which neighbours, each 1..m.

    Returns:
        Higher = more unusual; one row for each k.

    Raises:
        ValueError: a k that is no whole number in 1..m, or none at all.

    Example:
        >>> known = np.array([[0.0], [1.0], [5.0]])
        >>> neighbour_scores(np.array([[4.0]]), known=known, ks=[1, 2]).tolist()
        [[1.0], [3.0]]

    Source: Sun et al. (2022), doi:10.48550/arXiv.2204.06507.
    """
    ks = list(ks)
    if not ks or any(int(k) != k or not 1 <= k <= len(known) for k in ks):
        raise ValueError(f"ks = {ks}: give whole numbers between 1 and {len(known)}, the known")
    # |f|² - 2 f·g + |g|² loses digits where both are long: take a common middle off first
    middle = np.mean(known, axis=0)
    far = euclidean_distances(
        np.asarray(features, float) - middle, np.asarray(known, float) - middle
    )
    places = [int(k) - 1 for k in ks]
    return np.partition(far, places, axis=1)[:, places].T
