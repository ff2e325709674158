"""Fit a two-headed network on labels, and on masks of the same or of other images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.diagnosis.joint.gradient_balance import GradientBalance
from medlib.diagnosis.joint.gradient_cosine import pull_of
from medlib.diagnosis.joint.joint_likelihood import TwoLosses, two_losses
from medlib.diagnosis.joint.learned_weights import LearnedWeights
from medlib.diagnosis.joint.two_headed import TwoHeaded, two_headed
from medlib.nets.batches import sampler
from medlib.nets.training import OneCycle, device_of, train

__all__ = ["LEARNED_RATE", "Fitted", "Masked", "fit_two_headed"]

LEARNED_RATE = 0.1  # of learned weights: at the network's own rate they hardly move
WAYS = ("learned", "balanced")


@dataclass(frozen=True, eq=False)
class Masked:
    """Images with masks: those that carry the labels, or others.

    Attributes:
        images, masks: to learn the mask from.
        same: they are the images that carry the labels, in the same order; a step then needs one
            pass through the encoder.
    """

    images: Float[Tensor, "m channels height width"]
    masks: Bool[Tensor, "masks 1 height width"]
    same: bool


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network, its least validation loss, and the weight that its masks had at the end."""

    network: TwoHeaded
    validation_loss: float
    weight: float


def fit_two_headed(
    images: Float[Tensor, "n channels height width"],
    labels: Int[Tensor, " labels"],
    *,
    masked: Masked | None,
    weight: float | str,
    validation: tuple[Float[Tensor, "v channels h w"], Int[Tensor, " v_labels"]],
    steps: int,
    peak_rate: float,
    generator: torch.Generator,
    batch_size: int = 16,
    every: int = 50,
) -> Fitted:
    """Minimise the class's loss and `weight` times the mask's; keep what validates best.

    Every batch is turned and mirrored as a whole by one of the square's eight symmetries. What
    validates is the class's loss, whatever else was learned.

    Args:
        images, labels: of the class.
        masked: what the mask is learned from; None for the class alone.
        weight: of the mask's loss, a mean over pixels; "learned" as variances (Kendall 2018), with
            means over pixels; "balanced" so that both gradients are equally long.
        validation: images and labels that none of this learns from.
        steps, peak_rate, batch_size: of AdamW under one cycle.
        generator: draws weights, batches and symmetries; a CPU generator.
        every: steps between validations.

    Raises:
        ValueError: an unknown way of weighting, a negative weight, or masks that do not fit.

    Example:
        >>> x, y = torch.zeros(4, 1, 16, 16), torch.tensor([0, 1, 0, 1])
        >>> fitted = fit_two_headed(x, y, masked=None, weight=0.0, validation=(x, y), steps=1,
        ...     peak_rate=1e-3, batch_size=2, generator=torch.Generator().manual_seed(0))
        >>> round(fitted.validation_loss, 1)
        0.7
    """
    if isinstance(weight, str) and weight not in WAYS:
        raise ValueError(f"weight = {weight!r}; give a number, or one of {', '.join(WAYS)}")
    if not isinstance(weight, str) and weight < 0:
        raise ValueError(f"weight = {weight} must not be negative")
    if masked and masked.same and len(masked.images) != len(images):
        raise ValueError(f"{len(images)} labelled images, but {len(masked.images)} with masks")
    share = float(masked.masks.float().mean()) if masked else 0.5
    logit = float(torch.logit(torch.tensor(min(max(share, 1e-4), 1 - 1e-4))))
    network = two_headed(
        channels=images.shape[1], first_logit=logit, classes=int(labels.max()) + 1,
        generator=generator,
    ).to(images.device)  # fmt: skip
    way = _Weighting(weight, shared=list(network.encoder.parameters())).to(images.device)
    draw = _draws(images, labels, masked, batch_size=batch_size, generator=generator)

    def loss(model: nn.Module, batch) -> Tensor:
        x, y, z, marks = batch
        answers = model(x)
        if marks is None:
            return F.cross_entropy(answers.classes, y)
        pixels = answers.pixels if z is None else model(z).pixels
        return way(two_losses(answers.classes, pixels, labels=y, masks=marks))

    def validate(model: nn.Module) -> float:
        x, y = (part.to(device_of(model)) for part in validation)
        scores = torch.cat([model(part).classes for part in x.split(256)])
        return float(F.cross_entropy(scores, y))

    groups = [{"params": list(network.parameters()), "lr": peak_rate}]
    if weight == "learned" and masked:
        own = list(way.learned.parameters())
        groups.append({"params": own, "lr": LEARNED_RATE, "weight_decay": 0.0})
    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(groups, steps=steps)
    history = train(
        network, loss, draw, steps=steps, optimizer=optimizer, schedule=schedule,
        generator=generator, validate=validate, every=every, progress="two heads",
    )  # fmt: skip
    return Fitted(network, min(history.validation_loss), way.last if masked else 0.0)


class _Weighting(nn.Module):
    """The joint loss under one way of weighting, and the weight of the mask it came to."""

    def __init__(self, weight: float | str, *, shared: list[nn.Parameter]):
        super().__init__()
        self.shared = tuple(shared)  # a tuple: they are the network's parameters, not this one's
        self.last = 1.0 if isinstance(weight, str) else weight
        self.learned = LearnedWeights(2) if weight == "learned" else None
        self.balance = GradientBalance() if weight == "balanced" else None
        self.steps = 0

    def forward(self, both: TwoLosses) -> Tensor:
        if self.learned is not None:
            of = self.learned.weights()
            self.last = float(of[1] / of[0])
            return self.learned([both.of_class, both.of_pixel])
        if self.balance is not None:
            if self.steps % 10 == 0:
                pull = pull_of(both.of_class, both.of_pixel, shared=self.shared)
                self.last = self.balance.update(pull)
            self.steps += 1
        return both.weighted(self.last)


def _draws(images, labels, masked, *, batch_size, generator):
    """A sampler of (images, labels, other images or None, masks or None), turned alike."""
    tensors = (images, labels, masked.masks) if masked and masked.same else (images, labels)
    first = sampler(tensors, batch_size=min(batch_size, len(images)), generator=generator)
    other = None
    if masked and not masked.same:
        other = sampler(
            (masked.images, masked.masks), batch_size=min(batch_size, len(masked.images)),
            generator=generator,
        )  # fmt: skip

    def draw(generator: torch.Generator):
        parts = first()
        z = None
        x, y, marks = parts if len(parts) == 3 else (*parts, None)
        if other is not None:
            z, marks = other()
        turns = int(torch.randint(8, (1,), generator=generator))
        return tuple(
            part if part is None or part.ndim == 1 else _turned(part, turns)
            for part in (x, y, z, marks)
        )

    return draw


def _turned(images: Tensor, which: int) -> Tensor:
    """One of the eight symmetries of the square."""
    return torch.rot90(images.flip(-1) if which >= 4 else images, which % 4, dims=(-2, -1))
