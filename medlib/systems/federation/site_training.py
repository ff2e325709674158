"""One hospital's work in one round: given weights, its own images, and weights that go back."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from medlib.experiment.streams import torch_generator
from medlib.nets.training import cross_entropy, device_of, train
from medlib.systems.federation.proximal import proximal_term
from medlib.systems.federation.weighted_mean import State

__all__ = ["Recipe", "Site", "Update", "train_at_site", "validate_at_site"]


@dataclass(frozen=True, eq=False)
class Site:
    """What one hospital has and shows to nobody.

    Attributes:
        images, labels: to train on; labels are 0 or 1.
        validation_images, validation_labels: to choose by.
    """

    images: Float[Tensor, "n channels height width"]
    labels: Int[Tensor, " n"]
    validation_images: Float[Tensor, "m channels height width"]
    validation_labels: Int[Tensor, " m"]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Recipe:
    """How a hospital trains, the same at all of them.

    Attributes:
        rounds: of the whole federation; the schedule runs over all of them.
        steps: of a hospital in a round.
        batch_size: images a step; a hospital with fewer takes all of them each step.
        rate: learning rate at the start.
        schedule: "constant", or "cosine": down to zero at the end of the last round.
        optimizer: "sgd" (with momentum 0.9) or "adamw".
        weight_decay: decoupled under "adamw", in the gradient under "sgd".
        keeps_state: whether the optimiser's momenta stay at the hospital from round to round, or
            start from zero in each. They never travel.
        mu: of the proximal term; 0 = none.
    """

    rounds: int
    steps: int
    batch_size: int = 16
    rate: float = 0.03
    schedule: str = "cosine"
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    keeps_state: bool = False
    mu: float = 0.0

    def __post_init__(self) -> None:
        if min(self.rounds, self.steps, self.batch_size) < 1:
            raise ValueError(
                f"rounds={self.rounds}, steps={self.steps}, batch_size={self.batch_size}: "
                "each must be at least 1"
            )
        if self.schedule not in ("constant", "cosine") or self.optimizer not in ("sgd", "adamw"):
            raise ValueError(
                f'schedule is {self.schedule!r} ("constant" or "cosine"), '
                f'optimizer is {self.optimizer!r} ("sgd" or "adamw")'
            )
        if not self.rate > 0 or self.weight_decay < 0 or self.mu < 0:
            raise ValueError(
                f"rate={self.rate} (> 0), weight_decay={self.weight_decay} (>= 0), mu={self.mu} "
                "(>= 0): one is out of range"
            )


@dataclass(frozen=True, eq=False)
class Update:
    """What comes of a round at one hospital.

    Attributes:
        weights: the whole state of the network.
        images: how many it learned from.
        train_loss: cross-entropy, mean over the round's steps, without the proximal term.
        momenta: the optimiser's, by parameter; empty unless the recipe keeps them.
    """

    weights: dict[str, Tensor]
    images: int
    train_loss: float
    momenta: dict[str, Tensor] = field(default_factory=dict)


def train_at_site(
    model: nn.Module,
    weights: State,
    site: Site,
    *,
    recipe: Recipe,
    seed: int,
    hospital: str,
    number: int,
    momenta: Mapping[str, Tensor] | None = None,
) -> Update:
    """Train the network on one hospital's images, for one round.

    Every draw is a function of (seed, hospital, round): who misses a round shifts nobody's draws,
    its own neither. Batches are cut out of one row of shuffled passes through the hospital's
    images, round after round, so that the same number of steps sees the same images in the same
    order whatever the rounds they are divided into.

    Args:
        model: the network; a copy is trained, on the device where it is.
        weights: the state that the round starts from.
        site: the hospital's images.
        recipe: how.
        seed: of the whole federation.
        hospital: its name, part of the seed of its draws.
        number: of the round, from 1.
        momenta: those that its last round left, for a recipe that keeps them.

    Raises:
        ValueError: a round outside the recipe's, or no images.
        FloatingPointError: the loss is not finite.

    Example:
        >>> images, labels = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> update = train_at_site(net, net.state_dict(), Site(images, labels, images, labels),
        ...                        recipe=Recipe(rounds=2, steps=3, batch_size=4), seed=0,
        ...                        hospital="A", number=1)
        >>> update.images, sorted(update.weights)
        (8, ['1.bias', '1.weight'])
    """
    if not 1 <= number <= recipe.rounds:
        raise ValueError(f"round {number} is not one of the recipe's 1..{recipe.rounds}")
    if not len(site):
        raise ValueError(f"hospital {hospital!r} has no image to train on")
    own = copy.deepcopy(model)
    own.load_state_dict(dict(weights))
    optimizer = _optimizer(own, recipe)
    if recipe.keeps_state:
        _put_momenta(optimizer, own, momenta or {})
    before, total = (number - 1) * recipe.steps, recipe.rounds * recipe.steps

    def factor(step: int) -> float:
        share = (before + step) / total
        return 1.0 if recipe.schedule == "constant" else (1 + math.cos(math.pi * share)) / 2

    plain: list[float] = []

    def loss(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        entropy = cross_entropy(network, batch)
        plain.append(float(entropy.detach()))
        return entropy + proximal_term(network, weights, mu=recipe.mu) if recipe.mu else entropy

    train(
        own,
        loss,
        _Passes(site, min(recipe.batch_size, len(site)), seed, hospital, first=before),
        steps=recipe.steps,
        optimizer=optimizer,
        schedule=LambdaLR(optimizer, factor),
        generator=torch_generator(seed, f"{hospital}, round {number}"),
    )
    return Update(
        weights={name: tensor.detach().clone() for name, tensor in own.state_dict().items()},
        images=len(site),
        train_loss=sum(plain) / len(plain),
        momenta=_take_momenta(optimizer, own) if recipe.keeps_state else {},
    )


@torch.no_grad()
def validate_at_site(
    model: nn.Module, weights: State, images: Tensor, labels: Tensor, *, batch_size: int = 256
) -> tuple[float, Float[Tensor, " n"]]:
    """Mean cross-entropy of a network with these weights, and each image's score.

    Args:
        model: the network; a copy is used, in evaluation mode.
        weights: its state.
        images, labels: one hospital's.
        batch_size: images at a time.

    Returns:
        The loss, and the log odds of label 1, (n,), on the CPU.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> _ = nn.init.zeros_(net[1].weight), nn.init.zeros_(net[1].bias)
        >>> loss, scores = validate_at_site(net, net.state_dict(), torch.ones(2, 1, 2, 2),
        ...                                 torch.tensor([0, 1]))
        >>> round(loss, 4), scores.tolist()
        (0.6931, [0.0, 0.0])
    """
    own = copy.deepcopy(model).eval()
    own.load_state_dict(dict(weights))
    device = device_of(own)
    logits = torch.cat([own(part.to(device)) for part in images.split(batch_size)]).cpu()
    return float(F.cross_entropy(logits, labels.cpu())), logits[:, 1] - logits[:, 0]


class _Passes:
    """A sampler: batches from `first` on, out of passes that each have a seed of their own."""

    def __init__(self, site: Site, batch_size: int, seed: int, hospital: str, *, first: int):
        self.site, self.batch_size = site, batch_size
        self.stream = (seed, hospital)
        self.step = first

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        n = len(self.site)
        start = self.step * self.batch_size
        passes = range(start // n, (start + self.batch_size - 1) // n + 1)
        row = torch.cat([self._shuffled(number) for number in passes])
        chosen = row[start - passes[0] * n :][: self.batch_size]
        self.step += 1
        return tuple(t[chosen.to(t.device)] for t in (self.site.images, self.site.labels))

    def _shuffled(self, number: int) -> Tensor:
        seed, hospital = self.stream
        generator = torch_generator(seed, f"{hospital}, pass {number}")
        return torch.randperm(len(self.site), generator=generator)


def _optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    moving = [p for p in model.parameters() if p.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            moving, lr=recipe.rate, momentum=0.9, weight_decay=recipe.weight_decay
        )
    return torch.optim.AdamW(moving, lr=recipe.rate, weight_decay=recipe.weight_decay)


def _take_momenta(optimizer: Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """Flat, so that it can be kept wherever a state can."""
    return {
        f"{name}/{kind}": tensor.detach().clone()
        for name, parameter in model.named_parameters()
        for kind, tensor in optimizer.state.get(parameter, {}).items()
    }


def _put_momenta(optimizer: Optimizer, model: nn.Module, momenta: Mapping[str, Tensor]) -> None:
    parameters = dict(model.named_parameters())
    for key, tensor in momenta.items():
        name, kind = key.rsplit("/", 1)
        # AdamW counts its steps on the CPU, whatever the device
        device = tensor.device if kind == "step" else parameters[name].device
        optimizer.state[parameters[name]][kind] = tensor.detach().clone().to(device)
