"""What is left of the source task after a network has learned another."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.translation.features import cached_features

__all__ = ["group_accuracy", "source_accuracy"]


def group_accuracy(
    logits: Float[np.ndarray, "n classes"],
    groups: Int[np.ndarray, " n"],
    *,
    accepted: Collection[Collection[int]],
) -> float:
    """Return the share of images whose top class is one that their group accepts.

    Args:
        groups: for each image, an index into `accepted`.
        accepted: for each group, the classes that count as right (a cat may be tabby or Egyptian).

    Raises:
        ValueError: lengths differ, or a group has no entry in `accepted`.

    Example:
        >>> logits = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, 0.0]])
        >>> group_accuracy(logits, np.array([0, 0]), accepted=[{1, 2}])
        0.5
    """
    if len(logits) != len(groups):
        raise ValueError(f"{len(logits)} rows of logits for {len(groups)} groups")
    if len(groups) and max(groups) >= len(accepted):
        raise ValueError(f"group {max(groups)} has no accepted classes; there are {len(accepted)}")
    top = np.argmax(logits, axis=1)
    return float(np.mean([c in accepted[g] for c, g in zip(top, groups, strict=True)]))


@torch.no_grad()
def source_accuracy(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    groups: Int[np.ndarray, " n"],
    *,
    source_classifier: nn.Linear,
    accepted: Collection[Collection[int]],
) -> float:
    """Return how often the original classifier, put on the network's present features, is right.

    The new head is left out: what is asked is whether the features still carry the source task.
    """
    features = torch.from_numpy(cached_features(network, images))
    weight, bias = source_classifier.weight.cpu(), source_classifier.bias.cpu()
    return group_accuracy((features @ weight.T + bias).numpy(), groups, accepted=accepted)
