"""The one training of all fusions, and each at the rate that its own validation scans choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.diagnosis.fusion.missing import drop_modalities, without
from medlib.diagnosis.fusion.networks import FusionNet
from medlib.nets.batches import sampler
from medlib.nets.training import OneCycle, device_of, train

__all__ = [
    "RATES",
    "Fitted",
    "FusionRecipe",
    "Scans",
    "attention_to_pet",
    "fit_fusion",
    "fusion_logits",
    "tuned_fusion",
]

RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
_AT_THE_END = 50  # steps whose mean is the training loss at the end


@dataclass(frozen=True, eq=False)
class Scans:
    """Images (MRI, PET, dose) on one scale, and the truth.

    Attributes:
        images: standardised.
        masks: True where the lesion is.
    """

    images: Float[Tensor, "n 3 h w"]
    masks: Bool[Tensor, "n h w"]

    @classmethod
    def of(
        cls,
        mri_and_pet: Float[np.ndarray, "n 2 h w"],
        counts: Float[np.ndarray, " n"],
        masks: Bool[np.ndarray, "n h w"],
    ) -> Scans:
        """Put on a fixed scale, about zero mean and unit variance, whatever the scans are.

        Fixed numbers, so that a scan at another dose is not changed by how it is standardised.
        """
        images = torch.from_numpy(np.asarray(mri_and_pet, dtype=np.float32))
        dose = torch.from_numpy(np.log(counts).astype(np.float32))
        mri, pet = (images[:, 0] - 0.6) / 0.35, (images[:, 1] - 0.45) / 0.4
        plane = ((dose - 3.0) / 1.4)[:, None, None].expand_as(mri)
        return cls(torch.stack([mri, pet, plane], dim=1), torch.from_numpy(masks.copy()))

    def with_pet_of(self, order: Sequence[int]) -> Scans:
        """Scan i with the PET, and its dose, of scan order[i]; the truth stays."""
        images = self.images.clone()
        images[:, 1:] = self.images[list(order), 1:]
        return Scans(images, self.masks)


@dataclass(frozen=True)
class FusionRecipe:
    """How a network is trained.

    Attributes:
        steps: optimiser steps.
        dropout: share of the images in a batch that lose a modality.
        rate: highest learning rate.
        batch_size: images a step.
        every: steps between validations.
    """

    steps: int = 300
    dropout: float = 0.0
    rate: float = 1e-2
    batch_size: int = 8
    every: int = 50


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network at the weights that validate best.

    Attributes:
        network: in evaluation mode.
        rate: at which it was trained.
        validation_loss: there, in nats a pixel.
        best_step: counted from 1.
        train_loss: mean of the last 50 steps, in nats a pixel: with the validation loss it tells
            too little training from too much.
        tried: how many rates were tried.
        on_the_edge: whether the rate is the lowest or highest that could be tried.
    """

    network: FusionNet
    rate: float
    validation_loss: float
    best_step: int
    train_loss: float
    tried: int = 1
    on_the_edge: bool = False


def fit_fusion(
    kind: str,
    learn: Scans,
    check: Scans,
    *,
    recipe: FusionRecipe,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Fitted:
    """Fit one network by cross-entropy of pixels; keep the weights of the best validation.

    A network that learns with missing modalities is validated with both, with PET gone and with
    MRI gone, weighed as it learned them; all others with both. Images are turned and mirrored at
    random.

    Args:
        kind: of `networks.KINDS`.
        learn, check: scans to learn from and to validate by.
        recipe: how.
        generator: draws first weights, batches, turns and what goes missing; a CPU generator.
        device: where to train.
    """
    prevalence = float(learn.masks.float().mean().clamp(1e-4, 0.5))
    network = FusionNet(kind, generator=generator, prevalence=prevalence).to(device)
    data = (learn.images.to(device), learn.masks.to(device))
    size = min(recipe.batch_size, len(learn.images))
    draw = sampler(data, batch_size=size, generator=generator)
    ways = {"": 1 - recipe.dropout, "MRI": recipe.dropout / 2, "PET": recipe.dropout / 2}

    def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, masks = draw()
        quarters, mirror = torch.randint(4, (2,), generator=generator).tolist()
        images, masks = images.rot90(quarters, (2, 3)), masks.rot90(quarters, (1, 2))
        if mirror % 2:
            images, masks = images.flip(-1), masks.flip(-1)
        return drop_modalities(images, recipe.dropout, generator=generator), masks.float()

    def validate(network: nn.Module) -> float:
        target = check.masks.float()
        return sum(
            share * float(F.binary_cross_entropy_with_logits(
                fusion_logits(network, without(check.images, gone)), target))
            for gone, share in ways.items() if share
        )  # fmt: skip

    optimizer, schedule = OneCycle(peak_rate=recipe.rate).start(
        network.parameters(), steps=recipe.steps
    )
    history = train(
        network,
        lambda model, some: F.binary_cross_entropy_with_logits(model(some[0]), some[1]),
        batch,
        steps=recipe.steps,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        validate=validate,
        every=recipe.every,
        progress=kind,
    )
    return Fitted(
        network, recipe.rate, min(history.validation_loss), history.best_step,
        train_loss=float(np.mean(history.train_loss[-_AT_THE_END:])),
    )  # fmt: skip


def tuned_fusion(
    kind: str,
    learn: Scans,
    check: Scans,
    *,
    recipe: FusionRecipe,
    generator: torch.Generator,
    rates: Sequence[float] = RATES,
    device: torch.device | str = "cpu",
) -> Fitted:
    """Train at several rates, from the same weights and batches; keep what validates best.

    First the middle three of the rates; then the next one outward, as long as the outermost of
    those tried is the best. One procedure for every kind, which ends on an edge only where there
    are no more rates. A training that diverges is worse than any other.

    Raises:
        ValueError: no rate to try.
        FloatingPointError: the training diverged at every rate that was tried.
    """
    if not rates:
        raise ValueError("give one rate or more to try")
    ladder, state = sorted(set(rates)), generator.get_state()
    middle = len(ladder) // 2
    low, high = max(middle - 1, 0), min(middle + 1, len(ladder) - 1)
    tried: dict[int, Fitted | None] = {}

    def at(rung: int) -> Fitted | None:
        again = torch.Generator()
        again.set_state(state)
        own = replace(recipe, rate=ladder[rung])
        try:
            return fit_fusion(kind, learn, check, recipe=own, generator=again, device=device)
        except FloatingPointError:
            return None

    while True:
        tried |= {rung: at(rung) for rung in range(low, high + 1) if rung not in tried}
        ended = {rung: fitted for rung, fitted in tried.items() if fitted is not None}
        if not ended:
            raise FloatingPointError(f"{kind}: the training diverged at {ladder[low : high + 1]}")
        best = min(ended, key=lambda rung: ended[rung].validation_loss)
        if best == low and low > 0:
            low -= 1
        elif best == high and high < len(ladder) - 1:
            high += 1
        else:
            break
    edge = len(ladder) > 1 and best in (0, len(ladder) - 1)
    return replace(ended[best], tried=len(tried), on_the_edge=edge)


@torch.no_grad()
def fusion_logits(
    network: nn.Module, images: Float[Tensor, "n 3 h w"], *, batch_size: int = 64
) -> Float[Tensor, "n h w"]:
    """Logits of many images, on the CPU."""
    device = device_of(network)
    return torch.cat([network(part.to(device)).cpu() for part in images.split(batch_size)])


@torch.no_grad()
def attention_to_pet(
    network: FusionNet, images: Float[Tensor, "n 3 h w"], *, batch_size: int = 64
) -> Float[Tensor, "n h w"]:
    """The weight of PET in each place of many images, on the CPU.

    Raises:
        ValueError: the network has no attention.
    """
    if network.kind != "attention":
        raise ValueError(f"a network of kind {network.kind!r} has no weights of attention")
    device = device_of(network)
    parts = (network.with_weights(part.to(device))[1] for part in images.split(batch_size))
    return torch.cat([part.cpu() for part in parts])
