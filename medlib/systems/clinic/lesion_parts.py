"""What one lesion is: one definition for cuts, reports and scores."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int
from scipy.ndimage import generate_binary_structure, label

__all__ = ["parts_of"]


def parts_of(
    mask: Bool[np.ndarray, "slices rows columns"],
) -> tuple[Int[np.ndarray, "slices rows columns"], Int[np.ndarray, " parts_and_one"]]:
    """The parts of a mask: voxels that touch, at a side, an edge or a corner, are of one.

    So `diagnosis.scoring.lesions` has it, by which marks are scored: whoever counts otherwise in a
    report tells another number than the one that was tested.

    Args:
        mask: True where it is marked.

    Returns:
        The number of each voxel's part, from 1, and 0 where there is none; and the size of each in
        voxels, that of 0 being nothing.

    Example:
        >>> mask = np.zeros((2, 4, 4), bool); mask[0, 0, 0] = mask[1, 1, 1] = mask[0, 3, 3] = True
        >>> parts_of(mask)[1]
        array([0, 2, 1])
    """
    parts, n = label(mask, structure=generate_binary_structure(3, 3))
    return parts, np.bincount(parts[mask], minlength=n + 1)  # few are marked: count these alone
