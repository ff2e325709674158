"""From probabilities of voxels to marks: a cut, and a least size below which a spot is noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from medlib.systems.clinic.bright_voxels import dice_of
from medlib.systems.clinic.lesion_parts import parts_of

__all__ = ["Marking", "best_marking"]

Volume = Float[np.ndarray, "slices rows columns"]
Mask = Bool[np.ndarray, "slices rows columns"]

_CUTS = tuple(np.arange(0.1, 0.71, 0.05).round(2))
_LEAST_VOXELS = (1, 4, 8)  # as the rival without learning has them


@dataclass(frozen=True)
class Marking:
    """What is marked.

    Attributes:
        cut: probability above which a voxel is.
        least_voxels: smaller spots are dropped.
    """

    cut: float
    least_voxels: int

    def mask(self, probabilities: Volume) -> Mask:
        """True where a lesion is taken to be.

        Example:
            >>> p = np.zeros((1, 4, 4)); p[0, 0, 0] = p[0, 2:, 2:] = 0.9
            >>> int(Marking(0.5, 1).mask(p).sum()), int(Marking(0.5, 4).mask(p).sum())
            (5, 4)
        """
        marked = probabilities > self.cut
        if self.least_voxels <= 1:
            return marked
        parts, sizes = parts_of(marked)
        return (sizes >= self.least_voxels)[parts]


def best_marking(probabilities: Sequence[Volume], truth: Sequence[Mask]) -> Marking:
    """The cut and the least size with the best mean Dice over studies with lesions.

    Args:
        probabilities: of studies that nothing was learned from.
        truth: their lesions.

    Raises:
        ValueError: none has a lesion.
    """
    pairs = [(p, mask) for p, mask in zip(probabilities, truth, strict=True) if mask.any()]
    if not pairs:
        raise ValueError("none of the studies has a lesion: no cut is better than another")
    grid = [Marking(float(cut), least) for cut in _CUTS for least in _LEAST_VOXELS]
    means = [np.mean([dice_of(one.mask(p), mask) for p, mask in pairs]) for one in grid]
    return grid[int(np.argmax(means))]
