"""From which photograph each crop of `source_like` was cut: crops of one are not independent."""

import numpy as np
from jaxtyping import Int

from data_fetch.packaged import photograph_names

__all__ = ["photograph_of_crop"]


def photograph_of_crop(n: int, *, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Return the photograph of each of the n crops that `source_like` cuts with such an rng.

    Args:
        n: how many crops there are in all.
        rng: a generator in the state that `source_like`'s was in; give each its own.

    Returns:
        Places in `photograph_names()`, one a crop, in the order of the crops.

    Raises:
        ValueError: fewer than two crops, which `source_like` does not cut either.

    >>> photograph_of_crop(3, rng=np.random.default_rng(0)).shape
    (3,)
    """
    if n < 2:
        raise ValueError(f"n={n}: `source_like` cuts two crops or more")
    return np.array([own.integers(len(photograph_names())) for own in rng.spawn(n)])
