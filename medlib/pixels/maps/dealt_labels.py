"""Labels dealt anew within each class: the same tiles, as often positive, and nothing to learn."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

__all__ = ["dealt_labels"]


def dealt_labels(
    truth: Bool[np.ndarray, " tiles"], *, rng: np.random.Generator
) -> Int[np.ndarray, " tiles"]:
    """Call half of the positive tiles and half of the negative ones positive.

    A deal over all tiles would, by luck, agree or disagree with the truth somewhat; within each
    class it can do neither. Of an odd number the smaller half is positive.

    Example:
        >>> truth = np.array([True] * 4 + [False] * 2)
        >>> dealt = dealt_labels(truth, rng=np.random.default_rng(0))
        >>> int(dealt[truth].sum()), int(dealt[~truth].sum())
        (2, 1)
    """
    dealt = np.zeros(len(truth), dtype=np.int64)
    for kind in (False, True):
        members = np.flatnonzero(truth == kind)
        dealt[members] = rng.permutation(np.arange(len(members)) % 2)
    return dealt
