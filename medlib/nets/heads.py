"""New heads for an old network: where the last layer starts decides the first gradients."""

from __future__ import annotations

import torch
from torch import nn

from medlib.nets.efficientnet_lite import FEATURES, initialise

__all__ = ["random_head", "zero_head"]


def zero_head(*, classes: int) -> nn.Linear:
    """Return a head of zeros: every class equally likely, and no gradient below it.

    With logits W φ + b the loss reaches the features through W alone, ∂L/∂φ = Wᵀ ∂L/∂(logits). At
    W = 0 that is exactly zero: in the first step only the head moves.

    Raises:
        ValueError: fewer than 2 classes.

    Example:
        >>> zero_head(classes=3)(torch.ones(1, 1280)).tolist()
        [[0.0, 0.0, 0.0]]
    """
    head = nn.Linear(FEATURES, _checked(classes))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def random_head(*, classes: int, generator: torch.Generator) -> nn.Linear:
    """Return a head of small random weights (uniform within ±1/√1280) and zero bias.

    It says something at once, and it is noise: its gradients push the features about.

    Raises:
        ValueError: fewer than 2 classes.

    Example:
        >>> random_head(classes=2, generator=torch.Generator().manual_seed(0)).weight.shape
        torch.Size([2, 1280])
    """
    return initialise(nn.Linear(FEATURES, _checked(classes)), generator=generator)


def _checked(classes: int) -> int:
    if classes < 2:
        raise ValueError(f"classes={classes}: a choice needs at least 2")
    return classes
