"""New heads for an old network: where the last layer starts decides the first gradients."""

from __future__ import annotations

import copy

from torch import nn

from medlib.nets.efficientnet_lite import FEATURES, EfficientNetLite0
from medlib.nets.training import device_of

__all__ = ["with_head", "zero_head"]


def with_head(source: EfficientNetLite0, head: nn.Linear) -> EfficientNetLite0:
    """Return a copy of `source` whose classifier is a copy of `head`; `source` stays as it is.

    Raises:
        ValueError: the head expects another number of features.

    Example:
        >>> source = EfficientNetLite0()
        >>> with_head(source, nn.Linear(1280, 2)).classifier.out_features
        2
        >>> source.classifier.out_features
        1000
    """
    if head.in_features != FEATURES:
        raise ValueError(f"the head takes {head.in_features} features; the network has {FEATURES}")
    network = copy.deepcopy(source)
    network.classifier = copy.deepcopy(head).to(device_of(source)).requires_grad_(True)
    return network


def zero_head(*, classes: int) -> nn.Linear:
    """Return a head of zeros: every class equally likely, and no gradient below it.

    With logits W φ + b the loss reaches the features through W alone, ∂L/∂φ = Wᵀ ∂L/∂(logits). At
    W = 0 that is exactly zero: in the first step only the head moves.

    Raises:
        ValueError: fewer than 2 classes.

    Example:
        >>> zero_head(classes=3).weight.abs().max().item()
        0.0
    """
    if classes < 2:
        raise ValueError(f"classes={classes}: a choice needs at least 2")
    head = nn.Linear(FEATURES, classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head
