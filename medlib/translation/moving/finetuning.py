"""One arm, fitted: a head to start from, then the common training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.nets.depths import LAST_DEPTH, depth_of, freeze_all_but
from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.nets.heads import with_head
from medlib.nets.training import History, OneCycle, cross_entropy, train
from medlib.translation.moving.arms import Arm, rate_groups
from medlib.translation.moving.freeze_plan import set_modes
from medlib.translation.moving.l2_sp import l2_sp_penalty, starting_point
from medlib.translation.moving.planned_statistics import refresh_planned

__all__ = ["Fit", "fine_tune"]


@dataclass(frozen=True)
class Fit:
    """A fitted network, in evaluation mode, the parameters it started from, and how it went."""

    arm: Arm
    network: EfficientNetLite0
    start: dict[str, Tensor]
    history: History


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

    A pretrained arm best starts at a head already fitted on the frozen features: a random head
    would send random gradients through good features first. A parameter that is not yet thawed has
    no gradient; Adam leaves it alone and starts its averages when it thaws.

    Args:
        arm: what moves, how fast, from when on, and what holds it back.
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
    start = starting_point(network)
    body = {name: w for name, w in start.items() if depth_of(name) < LAST_DEPTH}
    plan = arm.plan_at(step=1)

    def loss(model, batch):
        error = cross_entropy(model, batch)
        return error if arm.pull is None else error + l2_sp_penalty(model, body, pull=arm.pull)

    def thaw(done: int, _loss: float = 0.0) -> None:
        nonlocal plan
        plan = arm.plan_at(step=done + 1)
        freeze_all_but(network, arm.moving_at(network, step=done + 1))
        set_modes(network, plan)

    groups = rate_groups(network, arm, step=steps)  # all that moves at any step
    optimizer, schedule = OneCycle(weight_decay=arm.weight_decay).start(groups, steps=steps)
    thaw(0)
    history = train(
        network,
        loss,
        (images, labels),
        steps=steps,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        validate=validate,
        every=every,
        training_mode=lambda model: set_modes(model, plan),
        on_step=thaw if arm.unfreezing else None,
        progress=arm.name,
    )
    if arm.statistics == "batch":
        refresh_planned(network, images, arm.plan_at(step=steps))
    return Fit(arm=arm, network=network, start=start, history=history)
