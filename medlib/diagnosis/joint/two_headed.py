"""One encoder with two heads: a class for the image, and a mask as large as the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.global_draws import global_draws_from

__all__ = ["Answers", "TwoHeaded", "two_headed"]

_WIDTHS = (16, 24, 24, 32)
_STRIDES = (2, 1, 2, 1)


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network says of a batch: scores before the softmax, and before the sigmoid."""

    classes: Float[Tensor, "batch classes"]
    pixels: Float[Tensor, "batch 1 height width"]


class TwoHeaded(nn.Module):
    """Four convolutions that both heads share; a quarter of the image's sides at their end.

    The class is read from means and maxima over all places: a mean alone hardly sees what fills few
    of them. The mask is read by a convolution of which each place gives a square of 4 x 4 pixels.

    Args:
        channels: of the image.
        classes: how many.
        first_logit: what the mask's head adds to every pixel before training: the log-odds of the
            share of pixels that are marked. Without it the dense loss of a rare thing drowns the
            other.

    Example:
        >>> answers = TwoHeaded(channels=1, classes=2, first_logit=-3.5)(torch.zeros(2, 1, 48, 48))
        >>> answers.classes.shape, answers.pixels.shape
        (torch.Size([2, 2]), torch.Size([2, 1, 48, 48]))
    """

    def __init__(self, *, channels: int, classes: int, first_logit: float):
        super().__init__()
        layers, inputs = [], channels
        for width, stride in zip(_WIDTHS, _STRIDES, strict=True):
            layers += [
                nn.Conv2d(inputs, width, 3, stride=stride, padding=1),
                nn.GroupNorm(4, width),
                nn.ReLU(),
            ]
            inputs = width
        self.encoder = nn.Sequential(*layers)
        self.classifier = nn.Linear(2 * inputs, classes)
        self.marker = nn.Sequential(nn.Conv2d(inputs, 16, 3, padding=1), nn.PixelShuffle(4))
        nn.init.constant_(self.marker[0].bias, first_logit)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Answers:
        if images.shape[-1] % 4 or images.shape[-2] % 4:
            raise ValueError(
                f"sides {tuple(images.shape[-2:])} must be multiples of 4: the mask is read in"
                " squares of 4 x 4 pixels"
            )
        maps = self.encoder(images)
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
        return Answers(self.classifier(pooled), self.marker(maps))


def two_headed(
    *, channels: int = 1, classes: int = 2, first_logit: float, generator: torch.Generator
) -> TwoHeaded:
    """A network whose first weights follow a generator.

    Example:
        >>> network = two_headed(first_logit=-3.5, generator=torch.Generator().manual_seed(0))
        >>> sum(p.numel() for p in network.parameters())
        20738
    """
    with global_draws_from(generator):
        return TwoHeaded(channels=channels, classes=classes, first_logit=first_logit)
