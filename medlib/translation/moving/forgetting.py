"""What is left of the source task after a network has learned another."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import log_softmax, logsumexp
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.features import cached_features

__all__ = ["group_log_probability", "source_logits"]


def group_log_probability(
    logits: Float[np.ndarray, "n classes"],
    groups: Int[np.ndarray, " images"],
    *,
    accepted: Collection[Collection[int]],
) -> float:
    """Return the mean over images of log Σ p(c), c in the group's accepted classes.

    Finer than the share of images whose top class is accepted: it moves before the top class does.
    0 is best; guessing among 1 000 classes gives about -7 + log of how many are accepted.

    Args:
        groups: for each image, an index into `accepted`.
        accepted: for each group, the classes that count as right (a cat may be tabby or Egyptian).

    Raises:
        ValueError: lengths differ, no images, or a group has no entry in `accepted`.

    Example:
        >>> group_log_probability(np.zeros((1, 4)), np.array([0]), accepted=[{1, 2}]).round(3)
        np.float64(-0.693)
    """
    _check(logits, groups, accepted)
    log_p = log_softmax(np.asarray(logits, dtype=np.float64), axis=1)
    sums = [logsumexp(row[sorted(accepted[g])]) for row, g in zip(log_p, groups, strict=True)]
    return np.mean(sums)


@torch.no_grad()
def source_logits(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    source_classifier: nn.Linear,
) -> Float[np.ndarray, "n classes"]:
    """Return the original classifier's logits on the network's present features.

    The new head is left out: what is asked is whether the features still carry the source task.

    Example:
        >>> network, head = EfficientNetLite0(classes=2), nn.Linear(1280, 1000)
        >>> source_logits(network, torch.zeros(1, 3, 32, 32), source_classifier=head).shape
        (1, 1000)
    """
    features = torch.from_numpy(cached_features(network, images))
    weight, bias = source_classifier.weight.cpu(), source_classifier.bias.cpu()
    return (features @ weight.T + bias).numpy()


def _check(logits, groups, accepted) -> None:
    if len(logits) != len(groups):
        raise ValueError(f"{len(logits)} rows of logits for {len(groups)} groups")
    if len(groups) == 0:
        raise ValueError("no images: the mean of nothing is undefined")
    if max(groups) >= len(accepted):
        raise ValueError(f"group {max(groups)} has no accepted classes; there are {len(accepted)}")
