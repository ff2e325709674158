"""A registration network trained on pairs of images, without any truth, until it gains no more.

    loss(I_moving ∘ φ, I_fixed) + λ · penalty(what is fitted)

Both models, displacement and velocity, learn by the same loss, batches and steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.nets.training import History, OneCycle, device_of, train
from medlib.translation.registration.registration_network import RegistrationNetwork
from medlib.translation.registration.similarity import Loss
from medlib.translation.registration.warp import warp

__all__ = ["NetworkFit", "fit_network", "registration_loss"]

Images = Float[Tensor, "batch 1 *grid"]


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A trained network, at the step that validated best.

    Attributes:
        network: in evaluation mode.
        history: losses, rates and validations, step by step.
        late_gain: by how much the best validation of the last fifth of the steps is better than the
            best before, as a share of what had been gained by then; what is still being gained at
            the end was not trained to an end.
    """

    network: RegistrationNetwork
    history: History
    late_gain: float


def registration_loss(
    network: RegistrationNetwork,
    fixed: Float[Tensor, "batch 1 *grid"],
    moving: Float[Tensor, "batch 1 *grid"],
    *,
    loss: Loss,
    weight: float,
    spacing_mm: Sequence[float] | None = None,
) -> Float[Tensor, " batch"]:
    """What is minimised, one number a pair.

    Args:
        network: its model says how numbers become a map.
        fixed, moving: pairs, on the network's device.
        loss: of (warped, fixed); one of `LOSSES`, or your own.
        weight: λ, of the penalty.
        spacing_mm: the voxel's side along each axis; None stands for cubes.

    Example:
        >>> from medlib.translation.registration.field_model import FieldModel
        >>> from medlib.translation.registration.similarity import LOSSES
        >>> network = RegistrationNetwork(FieldModel("displacement"), width=4)
        >>> pair = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
        >>> value = registration_loss(network, *pair, loss=LOSSES["squared error"], weight=0.1)
        >>> round(value.item(), 3)
        1.0
    """
    numbers = network(fixed, moving)
    warped = warp(moving, by_voxels=network.model.displacement(numbers))
    return loss(warped, fixed) + weight * network.model.penalty(numbers, spacing_mm=spacing_mm)


def fit_network(
    network: RegistrationNetwork,
    pairs: tuple[Float[Tensor, "n 1 *grid"], Float[Tensor, "n 1 *grid"]],
    *,
    validation: tuple[Float[Tensor, "m 1 *grid"], Float[Tensor, "m 1 *grid"]],
    loss: Loss,
    weight: float,
    steps: int,
    generator: torch.Generator,
    spacing_mm: Sequence[float] | None = None,
    peak_rate: float = 1e-3,
    batch_size: int = 8,
    every: int = 25,
    patience: int | None = None,
) -> NetworkFit:
    """Train a network in place, and keep the weights whose validation loss is least.

    AdamW under one cycle of the rate. Validation is by the loss that is learned, λ included: two
    weights cannot be compared by it, two models with one weight can. What is to be chosen by
    overlap or by smoothness is chosen afterwards, on validation pairs.

    Args:
        network: on the device to train on.
        pairs: fixed and moving images.
        validation: pairs of others.
        loss: of (warped, fixed), one number a pair.
        weight: λ, of the penalty; no less than 0.
        steps: optimiser steps, at most.
        generator: draws the batches; a CPU generator.
        spacing_mm: the voxel's side along each axis; None stands for cubes.
        peak_rate: highest learning rate.
        batch_size: pairs a step.
        every: steps between validations.
        patience: validations without improvement before it stops; None never stops early, so that
            the rate comes to its end.

    Raises:
        ValueError: λ negative, or as `train`.

    Example:
        >>> from medlib.translation.registration.field_model import FieldModel
        >>> from medlib.translation.registration.similarity import LOSSES
        >>> own = torch.Generator().manual_seed(0)
        >>> images = torch.rand(4, 1, 8, 8, generator=own)
        >>> pairs = images, images.roll(1, 3)
        >>> fitted = fit_network(
        ...     RegistrationNetwork(FieldModel("stationary velocity"), width=4), pairs,
        ...     validation=pairs, loss=LOSSES["squared error"], weight=0.1, steps=2, batch_size=2,
        ...     generator=own)
        >>> len(fitted.history.train_loss)
        2

    Source: Balakrishnan et al. (2019), doi:10.1109/TMI.2019.2897538.
    """
    if not weight >= 0:
        raise ValueError(f"weight={weight}: 0 or more")
    options = {"loss": loss, "weight": weight, "spacing_mm": spacing_mm}
    device = device_of(network)

    def learned(model, batch) -> Tensor:
        return registration_loss(model, *batch, **options).mean()

    def validate(model) -> float:
        parts = zip(*(images.split(16) for images in validation), strict=True)
        found = [
            registration_loss(model, *(x.to(device) for x in pair), **options) for pair in parts
        ]
        return float(torch.cat(found).double().mean())

    network.eval()
    with torch.no_grad():
        at_first = validate(network)
    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(network.parameters(), steps=steps)
    history = train(
        network,
        learned,
        pairs,
        steps=steps,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        validate=validate,
        every=every,
        patience=patience,
        progress="registration",
    )
    return NetworkFit(network, history, _late_gain(history, at_first=at_first))


def _late_gain(history: History, *, at_first: float) -> float:
    late = 0.8 * len(history.steps)
    checks = list(zip(history.validation_steps, history.validation_loss, strict=True))
    before = min([at_first, *(value for step, value in checks if step <= late)])
    best = min(at_first, *history.validation_loss)
    return (before - best) / (at_first - best) if best < at_first else 0.0
