"""The ImageNet network up to a chosen depth, for planes or, once inflated, for volumes."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import DEPTHS, FEATURES, STAGES, EfficientNetLite0
from medlib.nets.stem import one_channel_stem

__all__ = ["Trunk"]


class Trunk(nn.Module):
    """EfficientNet-Lite0 from the stem to one depth: maps, or their means over all places.

    Its forward pass never says how many axes a place has: `inflate(trunk, ...)` runs on volumes.

    Args:
        source: copied, never changed.
        depth: the last depth kept, one of `DEPTHS`.
        grey: the stem takes one channel and answers as the source's does to a grey image.

    Raises:
        ValueError: an unknown depth.

    Example:
        >>> trunk = Trunk(EfficientNetLite0(), depth="stage3", grey=True)
        >>> trunk(torch.zeros(2, 1, 32, 32)).shape, trunk.channels
        (torch.Size([2, 40]), 40)
    """

    def __init__(self, source: EfficientNetLite0, *, depth: str = "head", grey: bool = False):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"no depth {depth!r}; there are {', '.join(DEPTHS)}")
        source, self.names = copy.deepcopy(source), DEPTHS[: DEPTHS.index(depth) + 1]
        self.stem = source.stem
        if grey:
            self.stem[0] = one_channel_stem(self.stem[0])
        kept = sum(name.startswith("stage") for name in self.names)
        self.stages = source.stages[:kept]
        self.head = source.head if depth == "head" else None
        self.activation = source.activation
        widths = (self.stem[0].out_channels, *(stage.channels for stage in STAGES), FEATURES)
        self.channels = widths[len(self.names) - 1]
        self.train(source.training)

    def depths(self, images: Tensor) -> dict[str, Tensor]:
        """Return the maps (B, C, [D,] H, W) by the name of their depth."""
        layout = torch.channels_last if images.ndim == 4 else torch.channels_last_3d
        maps = [self.activation(self.stem(images.contiguous(memory_format=layout)))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        if self.head is not None:
            maps.append(self.activation(self.head(maps[-1])))
        return dict(zip(self.names, maps, strict=True))

    def forward(self, images: Tensor) -> Tensor:
        last = self.depths(images)[self.names[-1]]
        return last.flatten(2).mean(dim=-1)
