"""How well lesions of several studies were marked, one number a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from medlib.diagnosis.scoring.lesions import match_lesions
from medlib.systems.clinic.bright_voxels import dice_of

__all__ = ["ReadingScores", "reading_scores"]

Mask = Bool[np.ndarray, "slices rows columns"]


@dataclass(frozen=True, eq=False)
class ReadingScores:
    """One entry a study with lesions, in order; of `invented`, one for every study.

    Attributes:
        dice: of the masks, 0..1.
        found: share of the lesions that were found.
        volume_error_ml: marked less true.
        invented: regions that are no lesion.
    """

    dice: Float[np.ndarray, " with_lesions"]
    found: Float[np.ndarray, " with_lesions"]
    volume_error_ml: Float[np.ndarray, " with_lesions"]
    invented: Float[np.ndarray, " studies"]


def reading_scores(
    marked: Sequence[Mask], truth: Sequence[Mask], *, voxel_ml: float, least_iou: float = 0.1
) -> ReadingScores:
    """Compare masks with the truth.

    A lesion is found if a marked region overlaps it by an IoU of `least_iou`, regions and lesions
    paired one to one: one large mark does not find them all.

    Args:
        marked, truth: masks of the same studies.
        voxel_ml: volume of a voxel.
        least_iou: see above.

    Raises:
        ValueError: none of the studies has a lesion, or numbers of studies differ.

    Example:
        >>> truth = np.zeros((1, 4, 4), bool); truth[0, :2, :2] = True
        >>> found = reading_scores([truth, truth < 0], [truth, truth < 0], voxel_ml=0.02)
        >>> found.dice, found.found, found.invented
        (array([1.]), array([1.]), array([0., 0.]))
    """
    if len(marked) != len(truth):
        raise ValueError(f"{len(marked)} masks for {len(truth)} studies")
    pairs = [(a, b) for a, b in zip(marked, truth, strict=True) if b.any()]
    if not pairs:
        raise ValueError("none of the studies has a lesion: there is nothing to find")
    matches = [match_lesions(a, b, least_iou=least_iou) for a, b in zip(marked, truth, strict=True)]
    with_lesions = [m for m, b in zip(matches, truth, strict=True) if b.any()]
    return ReadingScores(
        np.array([dice_of(a, b) for a, b in pairs]),
        np.array([m.found / (m.found + m.missed) for m in with_lesions]),
        np.array([(int(a.sum()) - int(b.sum())) * voxel_ml for a, b in pairs]),
        np.array([float(m.invented) for m in matches]),
    )
