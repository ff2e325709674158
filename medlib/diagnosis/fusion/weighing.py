"""A small network that learns in each place how much to weigh each of two estimates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.diagnosis.fusion.two_estimates import Truth, TwoEstimates
from medlib.nets.batches import batches
from medlib.nets.global_draws import global_draws_from
from medlib.nets.training import OneCycle, train

__all__ = ["Shown", "Weighing", "fit_weighing"]


@dataclass(frozen=True)
class Shown:
    """What the network sees, and what is done to its PET.

    Attributes:
        dose: whether it is told the logarithm of the dose.
        evidence: whether it sees the two estimates that it weighs.
        pet_gain: by which the PET estimate is multiplied before the network has it.
        gains: whether it may learn a factor for each estimate.
    """

    dose: bool = True
    evidence: bool = False
    pet_gain: float = 1.0
    gains: bool = False


class Weighing(nn.Module):
    r"""Weights by softmax, and the sum :math:`w g_p \hat\theta_p + (1-w) g_m \hat\theta_m`.

    The same small network in each place, which sees no neighbours. Factors g are one, unless they
    are learned.

    Args:
        maps: how many maps of anatomy there are.
        shown: what it sees.
        generator: draws the first weights.
    """

    def __init__(self, maps: int, shown: Shown, *, generator: torch.Generator) -> None:
        super().__init__()
        self.shown = shown
        inputs = maps + shown.dose + 2 * shown.evidence
        with global_draws_from(generator):
            self.layers = nn.Sequential(
                nn.Conv2d(inputs, 16, 1), nn.Tanh(), nn.Conv2d(16, 16, 1), nn.Tanh(),
                nn.Conv2d(16, 1, 1),
            )  # fmt: skip
        nn.init.zeros_(self.layers[-1].weight)  # it begins with the mean of the two
        nn.init.zeros_(self.layers[-1].bias)
        self.gains = nn.Parameter(torch.ones(2), requires_grad=shown.gains)

    def forward(
        self, truth: Truth, seen: TwoEstimates
    ) -> tuple[Float[Tensor, "n height width"], Float[Tensor, "n height width"]]:
        """The estimate, and the weight of PET behind it. Of the truth, only the anatomy is read."""
        pet = self.shown.pet_gain * seen.pet
        parts = [truth.anatomy]
        if self.shown.dose:
            parts.append(seen.log_dose[:, None] / 2 - 2)
        if self.shown.evidence:
            parts += [seen.mri[:, None] / truth.mri_sd, pet[:, None] / truth.mri_sd]
        # a softmax of two logits is the logistic function of their difference
        weight = torch.sigmoid(self.layers(torch.cat(parts, dim=1)))[:, 0]
        estimate = weight * self.gains[1] * pet + (1 - weight) * self.gains[0] * seen.mri
        return estimate, weight


def fit_weighing(
    truth: Truth,
    *,
    shown: Shown,
    counts: tuple[float, float],
    steps: int,
    generator: torch.Generator,
    blur_sd: float = 0.0,
    peak_rate: float = 0.03,
    batch_size: int = 32,
) -> Weighing:
    """Fit weights by squared error inside the brain, at doses drawn anew for every map.

    Noise is drawn anew at every step, so nothing can be learned by heart.

    Args:
        truth: maps to learn on.
        shown: what the network sees.
        counts: least and largest dose, drawn evenly on a logarithmic scale.
        steps: optimiser steps.
        generator: draws first weights, batches, doses and noise; a CPU generator.
        blur_sd: of the PET, in pixels.
        peak_rate: highest learning rate.
        batch_size: maps a step; at most as many as there are.

    Example:
        >>> ones = torch.ones(4, 8, 8)
        >>> truth = Truth(0 * ones, ones, ones[:, None], ones > 0)
        >>> network = fit_weighing(truth, shown=Shown(), counts=(5.0, 500.0), steps=2, batch_size=4,
        ...                        generator=torch.Generator().manual_seed(0))
        >>> type(network).__name__
        'Weighing'
    """
    network = Weighing(truth.anatomy.shape[1], shown, generator=generator)
    stream = batches(len(truth), batch_size=batch_size, generator=generator)
    low, high = torch.tensor(counts).log().tolist()

    def draw(generator: torch.Generator) -> tuple[Truth, TwoEstimates]:
        some = truth.some(next(stream))
        dose = torch.exp(low + (high - low) * torch.rand(len(some), generator=generator))
        return _Pair((some, some.measure(dose, generator=generator, blur_sd=blur_sd)))

    def loss(network: nn.Module, pair: tuple[Truth, TwoEstimates]) -> Tensor:
        some, seen = pair
        estimate, _ = network(some, seen)
        return ((estimate - some.theta)[some.inside] ** 2).mean() / truth.mri_sd**2

    optimizer, schedule = OneCycle(peak_rate=peak_rate, weight_decay=0.0).start(
        [each for each in network.parameters() if each.requires_grad], steps=steps
    )
    train(
        network, loss, draw, steps=steps, optimizer=optimizer, schedule=schedule,
        generator=generator,
    )  # fmt: skip
    return network


class _Pair(tuple):
    """A batch that is no list of tensors: it stays where it is."""
