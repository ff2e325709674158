"""Training that is the same for every arm: one loss, one schedule, one way to choose the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor
from torch.nn import functional as F

from medlib.diagnosis.records.arms import Arm
from medlib.diagnosis.records.gru_d import RiskByHour
from medlib.nets.training import History, OneCycle, train

__all__ = ["Patients", "Recipe", "fit_risk", "mean_loss"]


@dataclass(frozen=True, eq=False)
class Patients:
    """Rows on the scale of the training patients, and each one's outcome."""

    rows: Float32[np.ndarray, "patients hours channels"]
    outcome: Int[np.ndarray, " patients"]

    @property
    def target(self) -> Float[Tensor, " patients"]:
        return torch.from_numpy(self.outcome.astype(np.float32))


@dataclass(frozen=True)
class Recipe:
    """What all arms share.

    Attributes:
        steps: most steps; the best of every twentieth on validation patients is kept.
        hours: the network is asked at each of the first so many hours.
        hidden: width of its state.
        rate, weight_decay: of AdamW, one cycle.
        batch_size: patients a step.
        looks: hours a patient and step in a training that cuts first.
        device: where to compute.
    """

    steps: int
    hours: int = 24
    hidden: int = 16
    rate: float = 1e-2
    weight_decay: float = 0.1
    batch_size: int = 128
    looks: int = 4
    device: str | torch.device = "cpu"


def mean_loss(logits: Float[Tensor, "n hours"], target: Float[Tensor, " n"]) -> Tensor:
    """Binary cross-entropy, the mean over patients and hours, in nats."""
    return F.binary_cross_entropy_with_logits(logits, target[:, None].expand_as(logits))


def fit_risk(
    arm: Arm,
    learn: Patients,
    check: Patients,
    *,
    recipe: Recipe,
    generator: torch.Generator,
    cut_first: bool = False,
) -> tuple[RiskByHour, History]:
    """Train an arm on files that were filled as a whole, or on files that were cut first.

    As it is done in a study: all rows are filled, and the network is asked at each of the first
    hours. Validation patients are treated in the same way, for a rule that looks ahead is believed
    in by whoever uses it. With `cut_first` a patient is shown as he was known at some hour, filled
    then, and the network is asked at that hour only.

    Args:
        arm: what the network sees.
        learn, check: patients to learn from, and to choose the step by.
        recipe: the same for all arms.
        generator: of first weights and batches.
        cut_first: cut, then fill.

    Returns:
        The network in evaluation mode, at its best step, and what happened.
    """
    steps, hours = recipe.steps, recipe.hours
    network = arm.network(learn.rows.shape[2], hidden=recipe.hidden, generator=generator)
    network.to(recipe.device)
    optimizer, schedule = OneCycle(recipe.rate, recipe.weight_decay).start(
        network.parameters(), steps=max(steps, 4)
    )
    batch_size = min(recipe.batch_size, len(learn.outcome))
    shared = {"optimizer": optimizer, "schedule": schedule, "generator": generator}
    shared |= {"steps": steps, "every": 20}
    if not cut_first:
        whole = [part[:, :hours] for part in arm.inputs(learn.rows)]
        seen = [part[:, :hours].to(recipe.device) for part in arm.inputs(check.rows)]
        truth = check.target.to(recipe.device)
        history = train(
            network,
            lambda net, batch: mean_loss(net(*batch[:-1]), batch[-1]),
            (*whole, learn.target),
            batch_size=batch_size,
            validate=lambda net: mean_loss(net(*seen), truth).item(),
            **shared,
        )
        return network, history
    at = np.unique(np.linspace(1, hours, min(hours, 12)).round().astype(int))
    known = [[_padded(part, hours) for part in arm.inputs(learn.rows[:, :t])] for t in at]
    known = [torch.stack(parts, dim=1) for parts in zip(*known, strict=True)]
    seen = [[p.to(recipe.device) for p in arm.inputs(check.rows[:, :t])] for t in at]
    truth = check.target.to(recipe.device)

    def draw(source: torch.Generator) -> tuple[Tensor, ...]:
        who = torch.randperm(len(learn.outcome), generator=source)[:batch_size]
        who = who.repeat_interleave(recipe.looks)
        look = torch.randint(len(at), (len(who),), generator=source)
        return (*(part[who, look] for part in known), torch.from_numpy(at)[look], learn.target[who])

    def loss(net: RiskByHour, batch: tuple[Tensor, ...]) -> Tensor:
        *rows, now, target = batch
        logits = net(*rows).gather(1, now[:, None] - 1)
        return mean_loss(logits, target)

    def validate(net: RiskByHour) -> float:
        return mean_loss(torch.stack([net(*r)[:, -1] for r in seen], dim=1), truth).item()

    return network, train(network, loss, draw, validate=validate, **shared)


def _padded(part: Tensor, hours: int) -> Tensor:
    """Rows of zeros behind the last; no output before them depends on them."""
    return F.pad(part, (0, 0, 0, hours - part.shape[1]))
