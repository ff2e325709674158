"""What a network owes to each modality: a lesion is put into one of them, and the logit moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["Insertion", "insertion_moves"]


@dataclass(frozen=True, eq=False)
class Insertion:
    """How far the mean logit inside the lesion moves, scan by scan.

    Attributes:
        mri, pet: when the lesion is put into this modality alone.
        both: when it is put into both.
        before: the mean logit there without the lesion, from which it moves.
    """

    mri: Float[np.ndarray, " n"]
    pet: Float[np.ndarray, " n"]
    both: Float[np.ndarray, " n"]
    before: Float[np.ndarray, " n"]

    @property
    def pet_share(self) -> float:
        r"""PET's part of the two moves, :math:`\bar d_p / (\bar d_p + \bar d_m)`.

        A ratio of means over scans. A network that adds two logits moves by the sum of both moves
        when the lesion is in both; how far another falls from that is `beyond_the_sum`.
        """
        total = self.mri.mean() + self.pet.mean()
        return float(self.pet.mean() / total) if total else float("nan")

    @property
    def beyond_the_sum(self) -> Float[np.ndarray, " n"]:
        """What both together move beyond the sum of each alone; zero for a sum of two logits.

        Below zero it says little: evidence for *one or the other* saturates, and lesions that are
        plain in each image show it most.
        """
        return self.both - self.mri - self.pet

    @property
    def beyond_the_larger(self) -> Float[np.ndarray, " n"]:
        """What both together move beyond the larger of the two moves, scan by scan.

        Below zero, the second image takes back what the first one said.
        """
        return self.both - np.maximum(self.mri, self.pet)


def insertion_moves(
    plain: Float[np.ndarray, "n h w"],
    in_mri: Float[np.ndarray, ...],
    in_pet: Float[np.ndarray, ...],
    in_both: Float[np.ndarray, ...],
    *,
    masks: Bool[np.ndarray, ...],
) -> Insertion:
    """Compare logits of the same scans, with the same noise, without and with the lesion.

    Args:
        plain: logits without a lesion.
        in_mri, in_pet, in_both: with the lesion in these.
        masks: where it is, at least a pixel in each scan.

    Raises:
        ValueError: shapes differ, or a mask is empty.

    Example:
        >>> zero, masks = np.zeros((1, 2, 2)), np.ones((1, 2, 2), dtype=bool)
        >>> insertion_moves(zero, zero + 1, zero + 3, zero + 4, masks=masks).pet_share
        0.75
    """
    if not plain.shape == in_mri.shape == in_pet.shape == in_both.shape == masks.shape:
        raise ValueError("all logits and the masks must have one shape, (scans, rows, columns)")
    size = masks.sum(axis=(1, 2))
    if not size.all():
        raise ValueError("a mask is empty: without a lesion there is nothing to put in")

    def inside(seen: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
        return (seen * masks).sum(axis=(1, 2)) / size

    moves = (inside(seen - plain) for seen in (in_mri, in_pet, in_both))
    return Insertion(*moves, before=inside(plain))
