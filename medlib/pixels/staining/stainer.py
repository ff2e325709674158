"""The network that stains: a small stack of convolutions from one kind of image to another.

It works at full resolution, with dilated convolutions in the middle so that each pixel sees its
neighbourhood. It ends in a sigmoid: light lies between none and all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.global_draws import global_draws_from


@dataclass(frozen=True)
class StainerConfig:
    """Size of the network.

    Attributes:
        channels_in: of the image that goes in.
        channels_out: of the image that comes out.
        width: feature maps between them.
        dilations: of the 3 × 3 convolutions in the middle, in order.
    """

    channels_in: int = 3
    channels_out: int = 3
    width: int = 16
    dilations: tuple[int, ...] = (1, 2, 1)

    def __post_init__(self) -> None:
        if min(self.channels_in, self.channels_out, self.width, *self.dilations) < 1:
            raise ValueError(f"{self}: every number must be 1 or more")


class Stainer(nn.Module):
    """Images in 0..1 to images in 0..1, pixel for pixel.

    Args:
        config: its size.

    Example:
        >>> Stainer(StainerConfig(width=4))(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 3, 8, 8])
    """

    def __init__(self, config: StainerConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv2d(config.channels_in, config.width, 3, padding=1)
        self.middle = nn.ModuleList(
            nn.Conv2d(config.width, config.width, 3, padding=d, dilation=d)
            for d in config.dilations
        )
        self.leave = nn.Conv2d(config.width, config.channels_out, 3, padding=1)

    @property
    def reach_px(self) -> int:
        """How many pixels away the network can see."""
        return 2 + sum(self.config.dilations)

    def forward(
        self, image: Float[Tensor, "batch channels_in height width"]
    ) -> Float[Tensor, "batch channels_out height width"]:
        """Stain a batch."""
        features = torch.relu(self.enter(image - 0.5))
        for convolution in self.middle:
            features = features + torch.relu(convolution(features))
        return torch.sigmoid(self.leave(features))


def new_stainer(config: StainerConfig, *, generator: torch.Generator) -> Stainer:
    """Make a network whose first weights come from `generator` alone.

    Args:
        config: its size.
        generator: a CPU generator.

    Returns:
        The network, on the CPU.

    Example:
        >>> a, b = [new_stainer(StainerConfig(), generator=torch.Generator().manual_seed(s))
        ...         for s in (3, 3)]
        >>> bool((a.enter.weight == b.enter.weight).all())
        True
    """
    with global_draws_from(generator):
        return Stainer(config)


@torch.no_grad()
def stain_images(
    model: nn.Module,
    images: Float[Tensor, "n channels_in height width"],
    *,
    batch_size: int = 16,
    margin_px: int = 8,
) -> Float[Tensor, "n channels_out height width"]:
    """Run a network over images in batches, without gradients.

    Each image is continued beyond its edges by reflection, and the surplus cut off afterwards:
    convolutions that meet zeros there would frame it with a line that is not tissue.

    Args:
        model: on the images' device; left in evaluation mode.
        images: to be stained.
        batch_size: images at a time.
        margin_px: how far to continue; less than a side, at least what the network sees of its
            surroundings (`Stainer.reach_px`).

    Returns:
        The stained images.

    Example:
        >>> stain_images(Stainer(StainerConfig(width=2)), torch.zeros(2, 3, 9, 9)).shape
        torch.Size([2, 3, 9, 9])
    """
    model.eval()
    m = margin_px
    wide = nn.functional.pad(images, (m, m, m, m), mode="reflect")
    made = torch.cat([model(part) for part in wide.split(batch_size)])
    return made[..., m : made.shape[-2] - m, m : made.shape[-1] - m]
