"""What the ImageNet network's maps say at every depth, read in one pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.training import device_of

__all__ = ["features_by_depth", "read_by_depth"]


def features_by_depth(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    batch_size: int = 64,
) -> dict[str, Float[np.ndarray, "n channels"]]:
    """Return every image's channel means at every depth, from one forward pass.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed.

    Example:
        >>> found = features_by_depth(EfficientNetLite0(), torch.zeros(2, 3, 32, 32))
        >>> [found[depth].shape[1] for depth in ("stem", "stage3", "head")]
        [32, 40, 1280]
    """
    return read_by_depth(network, images, lambda maps: maps.mean(dim=(2, 3)), batch_size=batch_size)


@torch.no_grad()
def read_by_depth(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    read: Callable[[Tensor], Tensor],
    *,
    batch_size: int = 64,
) -> dict[str, Float[np.ndarray, "n columns"]]:
    """Return what `read` makes of the maps at every depth, (B, C, H, W) to (B, columns).

    The network is used in evaluation mode, and left in the mode it was in.
    """
    device, was_training = device_of(network), network.training
    network.eval()
    parts: list[list[np.ndarray]] = []
    for part in images.split(batch_size):
        maps = network.depths(part.to(device))
        parts.append([read(m).cpu().numpy() for m in maps])
    network.train(was_training)
    columns = zip(*parts, strict=True)
    return {depth: np.concatenate(c) for depth, c in zip(DEPTHS, columns, strict=True)}
