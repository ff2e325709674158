"""What a depth's maps say to a probe that asks for more than their means, or one layer on."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.training import device_of

__all__ = ["BEHIND", "three_ways"]

#: The 1x1 layers behind depths, none of which looks further than its depth does.
BEHIND = ("stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7")


@torch.no_grad()
def three_ways(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    batch_size: int = 64,
) -> dict[str, dict[str, Float[np.ndarray, "n columns"]]]:
    """Return what three ways of asking get from one pass through the network.

    A spot that covers a hundredth of an image hardly moves a mean; it may well move an extreme. One
    layer behind a depth a unit sees no more of the image than a unit of the depth itself: behind
    stages 1 to 6 that is the layer by which the next block widens its input, with its activation;
    behind stage 7 it is the head *before* its activation.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed.

    Returns:
        "means": of every channel at each of `DEPTHS`; "pooled": there c means, then c SDs, c maxima
        and c minima, for c channels; "behind": channel means one 1x1 layer behind each of `BEHIND`.

    Example:
        >>> found = three_ways(EfficientNetLite0(), torch.zeros(2, 3, 32, 32))
        >>> [found[way]["stage3"].shape[1] for way in ("means", "pooled", "behind")]
        [40, 160, 240]
    """
    device, was_training = device_of(network), network.training
    network.eval()
    pooled: dict[str, list[np.ndarray]] = {depth: [] for depth in DEPTHS}
    behind: dict[str, list[np.ndarray]] = {depth: [] for depth in BEHIND}
    for part in images.split(batch_size):
        maps = network.depths(part.to(device))
        for number, depth in enumerate(DEPTHS):
            pooled[depth].append(_four_numbers(maps[number]).cpu().numpy())
            if depth in behind:
                behind[depth].append(_mean_behind(network, number, maps[number]))
    network.train(was_training)
    four = _joined(pooled)
    means = {depth: numbers[:, : numbers.shape[1] // 4] for depth, numbers in four.items()}
    return {"means": means, "pooled": four, "behind": _joined(behind)}


def _four_numbers(maps: Tensor) -> Tensor:
    """(B, C, H, W) to (B, 4 C)."""
    flat = maps.flatten(2)
    columns = flat.mean(2), flat.std(2, unbiased=False), flat.amax(2), flat.amin(2)
    return torch.cat(columns, dim=1)


def _mean_behind(network: EfficientNetLite0, number: int, maps: Tensor) -> np.ndarray:
    """Channel means of the 1x1 layer behind the depth of that number, (B, C)."""
    if number == len(network.stages):
        wide = network.head(maps)
    else:
        block = network.stages[number][0]
        wide = block.activation(block.expand(maps))
    return wide.mean(dim=(2, 3)).cpu().numpy()


def _joined(parts: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    return {depth: np.concatenate(batches) for depth, batches in parts.items()}
