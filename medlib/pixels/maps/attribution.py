"""What an explanation is: one number a place, the score it explains, and its own error."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Attribution", "upsample"]


@dataclass(frozen=True, eq=False)
class Attribution:
    """Maps that share out the scores of a batch of images over places.

    Attributes:
        map: (B, h, w), at the resolution at which it was computed; higher = speaks more for the
            class. Negative values only where `signed`.
        signed: whether evidence against the class was kept.
        scores: (B,), the logits y^c that the maps explain.
        target: (B,), the class c of each image.
        completeness_gap: (B,), the sum of the map minus the change of score that it should add up
            to; 0 = every bit of the change is accounted for. None for a method that promises no
            such sum.
    """

    map: Float[Tensor, "batch height width"]
    signed: bool
    scores: Float[Tensor, " batch"]
    target: Int[Tensor, " batch"]
    completeness_gap: Float[Tensor, " batch"] | None = None

    def __post_init__(self) -> None:
        if not len(self.map) == len(self.scores) == len(self.target):
            raise ValueError(
                f"{len(self.map)} maps, {len(self.scores)} scores, {len(self.target)} targets: "
                "one of each for every image"
            )


def upsample(
    maps: Float[Tensor, "batch height width"], *, size: int | tuple[int, int]
) -> Float[Tensor, "batch rows columns"]:
    """Return the maps at the images' size, bilinearly: for showing, not for gaining resolution.

    Example:
        >>> import torch
        >>> upsample(torch.eye(2)[None], size=4)[0, 0].tolist()
        [1.0, 0.75, 0.25, 0.0]
    """
    size = (size, size) if isinstance(size, int) else size
    return F.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]
