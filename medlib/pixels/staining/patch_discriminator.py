"""A critic of patches: is each small piece of an image from the real set?

It has no opinion on the whole image, only on what fits into its small window: texture and colour.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.global_draws import global_draws_from


class PatchDiscriminator(nn.Module):
    """A map of scores, one for each overlapping window; trained towards 1 = real and 0 = made.

    Two strided convolutions and a plain one: a window of 18 px.

    Args:
        channels: of the images.
        width: feature maps of the first layer; the next has twice as many.

    Example:
        >>> PatchDiscriminator(3, width=4)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 1, 8, 8])

    Source: Isola et al. 2017, doi:10.1109/CVPR.2017.632.
    """

    window_px = 18

    def __init__(self, channels: int, *, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.InstanceNorm2d(2 * width, affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )

    def forward(
        self, image: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch 1 rows columns"]:
        """Score every window."""
        return self.layers(image - 0.5)


def new_discriminator(
    channels: int, *, width: int, generator: torch.Generator
) -> PatchDiscriminator:
    """Make a critic whose first weights come from `generator` alone.

    Args:
        channels: of the images.
        width: see `PatchDiscriminator`.
        generator: a CPU generator.

    Returns:
        The critic, on the CPU.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> sum(p.numel() for p in new_discriminator(3, width=8, generator=own).parameters())
        2633
    """
    with global_draws_from(generator):
        return PatchDiscriminator(channels, width=width)
