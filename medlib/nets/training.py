"""The one training loop: same seed, same weights, on any device, stopped by validation.

A chapter gives it a model, a loss and either its data or a sampler; it gives back the history and
leaves the model in evaluation mode, with the weights of the best validation if there was one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm.auto import tqdm

from medlib.nets.batches import Batch, Sampler, sampler
from medlib.nets.global_draws import global_draws_from

__all__ = ["History", "OneCycle", "cross_entropy", "device_of", "train"]


@dataclass(frozen=True)
class History:
    """What happened in one call of `train`.

    Steps count from 1. `learning_rates` has one row a step and one column a parameter group.
    `validation_loss` belongs to `validation_steps`; both are empty without `validate`, and
    `best_step` is then the last step.
    """

    steps: tuple[int, ...]
    train_loss: tuple[float, ...]
    learning_rates: tuple[tuple[float, ...], ...]
    validation_steps: tuple[int, ...]
    validation_loss: tuple[float, ...]
    best_step: int
    stopped_early: bool


@dataclass(frozen=True)
class OneCycle:
    """AdamW under one warm-up and one cosine decay, for one rate or one rate a parameter group.

    Args:
        peak_rate: highest learning rate, for groups that name none of their own (`"lr"`).
        weight_decay: decoupled decay (Loshchilov and Hutter 2019).
        warmup_share: share of the steps spent rising, 0 < share < 1.

    Example:
        >>> net = nn.Linear(2, 1)
        >>> optimizer, schedule = OneCycle(peak_rate=1e-2).start(net.parameters(), steps=10)
        >>> type(optimizer).__name__, schedule.total_steps
        ('AdamW', 10)

    Source: Smith and Topin (2019), Super-convergence, doi:10.1117/12.2520589.
    """

    peak_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup_share: float = 0.3

    def start(self, parameters, *, steps: int) -> tuple[Optimizer, LRScheduler]:
        """Return the optimiser and its schedule for a run of `steps` steps."""
        groups = list(parameters)
        if not groups:
            raise ValueError("no parameters to optimise: is everything frozen?")
        optimizer = torch.optim.AdamW(
            groups, lr=self.peak_rate, weight_decay=self.weight_decay, fused=True
        )
        peaks = [group["lr"] for group in optimizer.param_groups]
        schedule = OneCycleLR(
            optimizer,
            max_lr=peaks,
            total_steps=steps,
            pct_start=self.warmup_share,
            # Adam's momentum is left alone: one thing is cycled, the rate.
            cycle_momentum=False,
        )
        return optimizer, schedule


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's first parameter or buffer (the CPU if it has neither).

    Example:
        >>> device_of(nn.Linear(2, 1)).type
        'cpu'
    """
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of a batch (images, labels): the loss of every classifier.

    Example:
        >>> undecided = nn.Linear(1, 2)
        >>> _ = nn.init.zeros_(undecided.weight), nn.init.zeros_(undecided.bias)
        >>> round(cross_entropy(undecided, (torch.ones(3, 1), torch.tensor([0, 1, 1]))).item(), 4)
        0.6931
    """
    return F.cross_entropy(model(batch[0]), batch[1])


def train(
    model: nn.Module,
    loss: Callable[[nn.Module, Batch], Tensor],
    data: Sequence[Tensor] | Sampler,
    *,
    steps: int,
    batch_size: int | None = None,
    optimizer: Optimizer,
    generator: torch.Generator,
    schedule: LRScheduler | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    every: int = 25,
    patience: int | None = None,
    training_mode: Callable[[nn.Module], Any] = nn.Module.train,
    on_step: Callable[[int, float], None] | None = None,
    progress: str | None = None,
) -> History:
    """Minimise `loss` over `data` and keep the weights that validate best.

    Every random draw, dropout's included, comes from `generator`; the global generators are left as
    they were. Two calls with equal arguments on one machine therefore give equal bits (on CUDA,
    when torch's deterministic algorithms are on).

    Args:
        model: trained in place, on the device where it is; batches are moved there.
        loss: `loss(model, batch)` returns a scalar; `batch` is a tuple of tensors, or whatever the
            sampler returns.
        data: tensors of equal length along their first axis, or a sampler: `sampler(generator)`
            returns one batch.
        steps: most optimiser steps.
        batch_size: examples a step; for tensors only, a sampler decides for itself.
        optimizer: holds the parameters to move, in groups if they have different rates.
        generator: CPU generator.
        schedule: stepped once after every optimiser step.
        validate: `validate(model)` returns a number, lower = better; called in evaluation mode
            without gradients every `every` steps and after the last. Of equal numbers the first
            counts: a tie is no improvement.
        every: steps between validations.
        patience: validations in a row without improvement before stopping; None = never.
        training_mode: puts the model into training mode; give your own to keep some layers (batch
            normalisation) in evaluation mode.
        on_step: called as `on_step(step, loss)` after each step.
        progress: a label; shows a bar on a terminal, nothing elsewhere.

    Returns:
        History; the model is left in evaluation mode, at `best_step`.

    Raises:
        ValueError: bad arguments; each message says what would be right.
        FloatingPointError: a loss is not finite; the message names the step.

    Example:
        >>> x = torch.linspace(-1, 1, 32)[:, None]
        >>> net = nn.Linear(1, 1)
        >>> history = train(
        ...     net,
        ...     lambda model, batch: ((model(batch[0]) - batch[1]) ** 2).mean(),
        ...     (x, 3 * x),
        ...     steps=200,
        ...     batch_size=8,
        ...     optimizer=torch.optim.SGD(net.parameters(), lr=0.3),
        ...     generator=torch.Generator().manual_seed(0),
        ... )
        >>> round(net.weight.item(), 3), len(history.train_loss)
        (3.0, 200)

    Source of early stopping: Prechelt (1998), doi:10.1007/3-540-49430-8_3.
    """
    _check(steps=steps, every=every, patience=patience, validate=validate, generator=generator)
    device = device_of(model)
    draw = sampler(data, batch_size=batch_size, generator=generator)
    losses: list[float] = []
    rates: list[tuple[float, ...]] = []
    validations: list[tuple[int, float]] = []
    best: dict[str, Tensor] | None = None
    best_step, best_value, stopped = 0, math.inf, False

    cuda = [device] if device.type == "cuda" else []
    shown = bool(progress) and sys.stderr.isatty()
    bar = tqdm(total=steps, desc=progress, disable=not shown, leave=False)
    with bar, global_draws_from(generator, devices=cuda):
        training_mode(model)
        for step in range(1, steps + 1):
            batch = _to(draw(), device)
            optimizer.zero_grad(set_to_none=True)
            value = loss(model, batch)
            losses.append(_finite(value, step=step))
            rates.append(tuple(group["lr"] for group in optimizer.param_groups))
            value.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
            bar.update()
            if on_step is not None:
                on_step(step, losses[-1])
            if validate is None or (step % every and step != steps):
                continue
            checked = _validated(model, validate, step=step)
            validations.append((step, checked))
            if checked < best_value:
                best_step, best_value, best = step, checked, _snapshot(model)
            waited = sum(at > best_step for at, _ in validations)
            if patience is not None and waited >= patience:
                stopped = step < steps
                break
            training_mode(model)
    if best is not None:
        model.load_state_dict(best)
    model.eval()
    return History(
        steps=tuple(range(1, len(losses) + 1)),
        train_loss=tuple(losses),
        learning_rates=tuple(rates),
        validation_steps=tuple(at for at, _ in validations),
        validation_loss=tuple(value for _, value in validations),
        best_step=best_step or len(losses),
        stopped_early=stopped,
    )


def _check(*, steps, every, patience, validate, generator) -> None:
    if steps < 1:
        raise ValueError(f"steps={steps}: train for at least 1 step")
    if every < 1:
        raise ValueError(f"every={every}: validate every 1 step or more")
    if patience is not None and validate is None:
        raise ValueError("patience is set, but there is no validate function to be patient about")
    if patience is not None and patience < 1:
        raise ValueError(f"patience={patience}: wait for at least 1 validation, or give None")
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise ValueError(
            "generator must be a torch.Generator on the CPU, e.g. run.torch_generator('training')"
        )


def _to(batch: Batch, device: torch.device) -> Batch:
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        return type(batch)(_to(part, device) for part in batch)
    return batch


def _finite(value: Tensor, *, step: int) -> float:
    if value.ndim:
        raise ValueError(f"loss returned shape {tuple(value.shape)}; return a scalar, e.g. .mean()")
    if not value.requires_grad:
        raise ValueError("the loss does not depend on any trainable parameter")
    number = float(value.detach())
    if not math.isfinite(number):
        raise FloatingPointError(
            f"the training loss is {number} at step {step}: "
            "lower the learning rate, or check the data for values that are not finite"
        )
    return number


@torch.no_grad()
def _validated(model: nn.Module, validate: Callable[[nn.Module], float], *, step: int) -> float:
    model.eval()
    number = float(validate(model))
    if math.isnan(number):
        raise FloatingPointError(f"the validation loss is nan at step {step}")
    return number


def _snapshot(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
