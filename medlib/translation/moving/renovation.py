"""A renovation: what moves, how fast at each depth, from when on, and what holds it back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.training import History, OneCycle, train
from medlib.translation.moving.arms import (
    LAST_DEPTH,
    depth_of,
    freeze_all_but,
    groups_by_depth,
    moving_parameters,
)
from medlib.translation.moving.finetuning import with_head
from medlib.translation.moving.freeze_plan import FreezePlan, planned_parameters, set_modes
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.l2_sp import Pull, l2_sp_penalty, starting_point
from medlib.translation.moving.planned_statistics import refresh_planned

__all__ = ["Renovated", "Renovation", "renovate"]


@dataclass(frozen=True)
class Renovation:
    """How a pretrained network is fine-tuned; two renovations should differ in one thing.

    Args:
        moves: "head", "norm" (scales and shifts of the normalisations, and the head) or "all".
        peak_rate: η, the highest learning rate at the depth that moves fastest.
        depth_factor: ξ, 0 < ξ <= 1; depth l of L gets η ξ^(L-l).
        early_first: turn the grading round: depth l gets η ξ^l, so that the stem moves fastest.
        from_depth: everything below this depth stands still.
        unfreezing: a schedule that thaws one depth after the other; None = all from the start.
        pull: a penalty on the way from the start, or from zero; None = none.
        statistics: "source" keeps the running means and variances; "batch" normalises by each
            batch at the depths that are not frozen, and takes new statistics of the training set
            there after it.

    Raises:
        ValueError: an unknown choice, or a number outside its range.

    Example:
        >>> graded = Renovation(peak_rate=1e-2, depth_factor=0.5)
        >>> graded.rate_at(depth=7), graded.rate_at(depth=9)
        (0.0025, 0.01)

    Source of the graded rates: Howard and Ruder (2018), doi:10.18653/v1/P18-1031.
    """

    moves: str = "all"
    peak_rate: float = 1e-3
    depth_factor: float = 1.0
    early_first: bool = False
    from_depth: int = 0
    unfreezing: GradualUnfreezing | None = None
    pull: Pull | None = None
    statistics: str = "source"

    def __post_init__(self) -> None:
        if self.moves not in ("head", "norm", "all"):
            raise ValueError(f'moves={self.moves!r}; choose "head", "norm" or "all"')
        if not self.peak_rate > 0 or not 0 < self.depth_factor <= 1:
            raise ValueError(
                f"peak_rate={self.peak_rate} (> 0), depth_factor={self.depth_factor} (0 < ξ <= 1):"
                " one is outside its range"
            )
        self.plan_at(step=1)

    def rate_at(self, *, depth: int) -> float:
        """Return η ξ^(L-l), or η ξ^l if the early layers go first."""
        return self.peak_rate * self.depth_factor ** (
            depth if self.early_first else LAST_DEPTH - depth
        )

    def plan_at(self, *, step: int) -> FreezePlan:
        """Return what is frozen at one step, counted from 1."""
        thawed = self.unfreezing.from_depth(step) if self.unfreezing else 0
        return FreezePlan(max(self.from_depth, thawed), statistics=self.statistics)

    def moving_at(self, network: EfficientNetLite0, *, step: int) -> tuple[str, ...]:
        """Return the names of the parameters that move at one step."""
        chosen = set(moving_parameters(network, moves=self.moves))
        return tuple(n for n in planned_parameters(network, self.plan_at(step=step)) if n in chosen)


@dataclass(frozen=True)
class Renovated:
    """The network after a renovation, in evaluation mode, where it started, and how it went."""

    network: EfficientNetLite0
    start: dict[str, Tensor]
    history: History


def renovate(
    how: Renovation,
    source: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    labels: Int[Tensor, " labels"],
    *,
    head: nn.Linear,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
) -> Renovated:
    """Fine-tune a copy of `source` as `how` says: Adam, one cycle of the rate, cross-entropy.

    No weight decay but the pull, so that nothing else holds the weights. A parameter that is not
    yet thawed has no gradient; Adam leaves it alone and starts its averages when it thaws.

    Args:
        source: pretrained; copied, never changed.
        head: where the classifier starts.
        images, labels: preprocessed training images; int64 labels.
        steps: optimiser steps.
        batch_size: images a step.
        generator: draws the batches.

    Raises:
        ValueError: images and labels differ in number, or what `train` refuses.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    network = with_head(source, head)
    before = starting_point(network)
    pretrained = {n: w for n, w in before.items() if depth_of(n) < LAST_DEPTH}

    def loss(model, batch):
        error = F.cross_entropy(model(batch[0]), batch[1])
        return (
            error if how.pull is None else error + l2_sp_penalty(model, pretrained, pull=how.pull)
        )

    def thaw(step, _=None):
        freeze_all_but(network, how.moving_at(network, step=step + 1))
        set_modes(network, how.plan_at(step=step + 1))

    ever = how.moving_at(network, step=steps)  # all that moves at any step
    groups = groups_by_depth(network, ever, how=how)
    optimizer, schedule = OneCycle(weight_decay=0.0).start(groups, steps=steps)
    thaw(0)
    history = train(
        network, loss, (images, labels), steps=steps, batch_size=batch_size, optimizer=optimizer,
        schedule=schedule, generator=generator, on_step=thaw if how.unfreezing else None,
        training_mode=partial(set_modes, plan=how.plan_at(step=1)),
    )  # fmt: skip
    if how.statistics == "batch":
        refresh_planned(network, images, how.plan_at(step=steps))
    return Renovated(network, before, history)
