"""Where in a set of images each channel of the network answers most strongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.training import device_of
from medlib.translation.seeing.receptive_field import ReceptiveField, theoretical_fields

__all__ = ["Peaks", "crop_around", "strongest_answers"]


@dataclass(frozen=True, eq=False)
class Peaks:
    """At one depth, the highest answer of each channel in each image, and where it is.

    Args:
        value: (images, channels).
        unit: row and column of the unit, (images, channels, 2).
        mean: each channel's mean answer over all images and places.
        field: the receptive field of the depth's units.
    """

    value: Float[np.ndarray, "n channels"]
    unit: Int[np.ndarray, "n channels 2"]
    mean: Float[np.ndarray, " channels"]
    field: ReceptiveField

    def best_images(self, channel: int, *, k: int) -> list[int]:
        """Return the k images that the channel answers most, strongest first."""
        return np.argsort(-self.value[:, channel], kind="stable")[:k].tolist()

    def centre_px(self, image: int, channel: int) -> tuple[float, float]:
        """Return the pixel (row, column) at the middle of what the strongest unit sees."""
        row, column = self.unit[image, channel]
        return self.field.centre(int(row)), self.field.centre(int(column))


@torch.no_grad()
def strongest_answers(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    batch_size: int = 8,
) -> dict[str, Peaks]:
    """Return, for every depth, where each channel answers most in each image.

    Only the outputs of stages and of stem and head are asked; the stages' outputs are linear, and
    the highest answer, not the largest in absolute value, counts.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed, sides multiples of 32.

    Raises:
        ValueError: sides that 32 does not divide.

    Example:
        >>> found = strongest_answers(EfficientNetLite0(), torch.zeros(2, 3, 64, 64))
        >>> found["stage3"].value.shape, found["stage3"].unit.shape
        ((2, 40), (2, 40, 2))
    """
    if images.shape[-2] % 32 or images.shape[-1] % 32:
        raise ValueError(f"images are {tuple(images.shape[-2:])} pixels; 32 must divide each side")
    device, was_training = device_of(network), network.training
    network.eval()
    found: dict[str, list[tuple[np.ndarray, ...]]] = {depth: [] for depth in DEPTHS}
    for part in images.split(batch_size):
        for depth, maps in zip(DEPTHS, network.depths(part.to(device)), strict=True):
            value, place = maps.flatten(2).max(dim=2)
            unit = torch.stack([place // maps.shape[3], place % maps.shape[3]], dim=2)
            found[depth].append(
                tuple(x.cpu().numpy() for x in (value, unit, maps.mean(dim=(2, 3))))
            )
    network.train(was_training)
    fields = theoretical_fields(network)
    peaks = {}
    for depth, parts in found.items():
        value, unit, mean = (np.concatenate(each) for each in zip(*parts, strict=True))
        peaks[depth] = Peaks(value, unit, mean.mean(0), fields[depth])
    return peaks


def crop_around(
    image: UInt8[np.ndarray, "height width 3"], *, centre_px: tuple[float, float], side: int
) -> UInt8[np.ndarray, "side side 3"]:
    """Return the square of the image around a pixel, moved inwards where it would stick out.

    Raises:
        ValueError: a square larger than the image.

    Example:
        >>> image = np.zeros((8, 8, 3), dtype=np.uint8)
        >>> image[7, 7] = 255
        >>> crop_around(image, centre_px=(7.0, 7.0), side=3)[2, 2].tolist()
        [255, 255, 255]
    """
    if side < 1 or side > min(image.shape[:2]):
        raise ValueError(f"side={side}; the image is {image.shape[0]} x {image.shape[1]} pixels")
    top, left = (
        int(np.clip(round(middle - (side - 1) / 2), 0, room - side))
        for middle, room in zip(centre_px, image.shape[:2], strict=True)
    )
    return image[top : top + side, left : left + side]
