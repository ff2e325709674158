"""The network that is asked what it reads: an encoder to a few features, and one logit of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from medlib.nets.global_draws import global_draws_from

__all__ = ["SiteReader", "TumourNetwork"]


class TumourNetwork(nn.Module):
    """Three convolutions, a mean over places, features between -1 and 1, a logit.

    Normalised by groups of maps of one image, so that no image's answer depends on others of its
    batch: batch statistics would differ between hospitals, and that is what is asked about.

    Args:
        features: how many.
        generator: draws the first weights; on the CPU.

    Example:
        >>> net = TumourNetwork(generator=torch.Generator().manual_seed(0))
        >>> logit, features = net(torch.zeros(3, 1, 32, 32))
        >>> logit.shape, features.shape
        (torch.Size([3]), torch.Size([3, 8]))
    """

    def __init__(self, *, features: int = 8, generator: torch.Generator) -> None:
        super().__init__()
        with global_draws_from(generator):
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 8, 5, stride=2, padding=2, bias=False),
                nn.GroupNorm(2, 8),
                nn.ReLU(),
                nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),
                nn.GroupNorm(4, 16),
                nn.ReLU(),
                nn.Conv2d(16, 16, 3, padding=1, bias=False),
                nn.GroupNorm(4, 16),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(16, features),
                nn.Tanh(),
            )
            self.head = nn.Linear(features, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (images,) and features (images, features) of images (images, 1, side, side)."""
        features = self.encoder(images)
        return self.head(features)[:, 0], features


class SiteReader(nn.Module):
    """The adversary: features to the logit of hospital 1, by one hidden layer.

    Args:
        features: how many it reads.
        width: units of the hidden layer.
        generator: draws the first weights; on the CPU.

    Example:
        >>> SiteReader(generator=torch.Generator().manual_seed(0))(torch.zeros(3, 8)).shape
        torch.Size([3])
    """

    def __init__(self, *, features: int = 8, width: int = 32, generator: torch.Generator) -> None:
        super().__init__()
        with global_draws_from(generator):
            self.layers = nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (patients,) of hospital 1."""
        return self.layers(features)[:, 0]
