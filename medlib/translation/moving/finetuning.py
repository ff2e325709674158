"""One arm, fitted: a new head, then the common training loop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.efficientnet_lite import FEATURES, EfficientNetLite0, initialise
from medlib.nets.norm_statistics import refresh_statistics
from medlib.nets.training import History, OneCycle, device_of, train
from medlib.translation.moving.arms import Arm, freeze_all_but, moving_parameters, rate_groups

__all__ = ["Fit", "fine_tune", "with_head"]


@dataclass(frozen=True)
class Fit:
    """A fitted network, in evaluation mode, and how it got there."""

    arm: Arm
    network: EfficientNetLite0
    history: History


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


def fine_tune(
    arm: Arm,
    source: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    labels: Int[Tensor, " labels"],
    *,
    head: nn.Linear,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
    validate: Callable[[nn.Module], float] | None = None,
    every: int = 25,
) -> Fit:
    """Fit one arm by AdamW under one cycle of the learning rate, and return the network.

    A pretrained arm starts at a head already fitted on the frozen features: a random head would
    send random gradients through good features first.

    Args:
        arm: what moves, and how fast.
        source: pretrained; copied, never changed. Only its shape matters to an arm from scratch.
        images: preprocessed training images.
        labels: int64, 0..classes-1.
        head: where the classifier starts; its weights are redrawn for an arm from scratch.
        steps: optimiser steps: the whole budget, whatever the number of images.
        batch_size: images a step; at most n.
        generator: draws the weights of an arm from scratch first, then the batches.
        validate, every: as in `train`.

    Raises:
        ValueError: images and labels differ in number, or what `train` refuses.

    Source of the two stages: Kumar et al. (2022), doi:10.48550/arXiv.2202.10054.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    network = with_head(source, head)
    if not arm.pretrained:
        initialise(network, generator=generator)
    freeze_all_but(network, moving_parameters(network, moves=arm.moves))
    optimizer, schedule = OneCycle().start(rate_groups(network, arm), steps=steps)
    by_batch = arm.statistics == "batch"
    history = train(
        network,
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        (images, labels),
        steps=steps,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        validate=validate,
        every=every,
        training_mode=nn.Module.train if by_batch else nn.Module.eval,
        progress=arm.name,
    )
    if by_batch:
        refresh_statistics(network, images)
    return Fit(arm=arm, network=network, history=history)
