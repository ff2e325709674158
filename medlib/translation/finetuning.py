"""One arm, fitted: a new head, the common training loop, fresh normalisation statistics."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.efficientnet_lite import FEATURES, EfficientNetLite0, initialise
from medlib.nets.training import History, OneCycle, device_of, train
from medlib.translation.arms import Arm, freeze_all_but, moving_parameters, rate_groups
from medlib.translation.norm_statistics import refresh_statistics

__all__ = ["Fit", "fine_tune", "with_new_head"]


@dataclass(frozen=True)
class Fit:
    """A fitted network, in evaluation mode, and how it got there."""

    arm: Arm
    network: EfficientNetLite0
    history: History


def with_new_head(
    source: EfficientNetLite0, *, classes: int, generator: torch.Generator
) -> EfficientNetLite0:
    """Return a copy of `source` whose classifier is new and random; `source` stays as it is.

    Example:
        >>> source = EfficientNetLite0()
        >>> network = with_new_head(source, classes=2, generator=torch.Generator().manual_seed(0))
        >>> network.classifier.out_features, source.classifier.out_features
        (2, 1000)
    """
    if classes < 2:
        raise ValueError(f"classes={classes}: a classifier chooses between at least 2")
    network = copy.deepcopy(source)
    classifier = nn.Linear(FEATURES, classes, device=device_of(source))
    network.classifier = initialise(classifier, generator=generator)
    return network


def fine_tune(
    arm: Arm,
    source: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    labels: Int[Tensor, " n"],
    *,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
    classes: int = 2,
    refresh: bool = True,
    validate: Callable[[nn.Module], float] | None = None,
    every: int = 25,
) -> Fit:
    """Fit one arm by AdamW under one cycle of the learning rate, and return the network.

    Args:
        arm: what moves, and how fast.
        source: pretrained; copied, never changed. For an arm that is not pretrained only its
            shape matters.
        images: preprocessed training images.
        labels: int64, 0..classes-1.
        steps: optimiser steps: the whole budget, whatever the number of images.
        batch_size: images a step; at most n.
        generator: draws the new weights first, then the batches.
        refresh: estimate the normalisation statistics on the training images afterwards.
        validate, every: as in `train`.

    Raises:
        ValueError: images and labels differ in number, or what `train` refuses.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    network = with_new_head(source, classes=classes, generator=generator)
    if not arm.pretrained:
        initialise(network, generator=generator)
    freeze_all_but(network, moving_parameters(network, moves=arm.moves))
    schedule = OneCycle(peak_rate=arm.peak_rate)
    optimizer, schedule = schedule.start(rate_groups(network, arm), steps=steps)
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
        # A frozen network is frozen whole: its statistics too.
        training_mode=nn.Module.eval if arm.moves == "head" else nn.Module.train,
        progress=arm.name,
    )
    if refresh and arm.moves != "head":
        refresh_statistics(network, images)
    return Fit(arm=arm, network=network, history=history)
