"""Fit a two-headed network on labels, and on masks of the same or of other images."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.diagnosis.joint.gradient_balance import GradientBalance
from medlib.diagnosis.joint.gradient_cosine import pull_of
from medlib.diagnosis.joint.joint_likelihood import TwoLosses, two_losses
from medlib.diagnosis.joint.kept import Keeping, Kept
from medlib.diagnosis.joint.learned_weights import LearnedWeights
from medlib.diagnosis.joint.two_headed import TwoHeaded, two_headed
from medlib.nets.batches import sampler
from medlib.nets.training import OneCycle, train

__all__ = ["LEARNED_RATE", "Fitted", "Masked", "fit_two_headed"]

LEARNED_RATE = 0.1  # of learned weights: at the network's own rate they hardly move
WAYS = ("learned", "learned_sum", "balanced", "mask_alone")
BALANCE_EVERY = 10  # steps between two measurements of both gradients


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
    """A network at its greatest validation AUC, and what else was kept of its training.

    Attributes:
        network: with the weights of `kept["auc"]`.
        kept: by rule: "auc", the greatest validation AUC (of equals the least loss); "loss", the
            least validation loss; "fewer", the greatest AUC on some of the validation images only;
            "first" and "last", the first and the last validation.
        class_loss, pixel_loss: in training, nats: geometric means of the last twenty steps at most;
            of a loss that is not there, nan.
    """

    network: TwoHeaded
    kept: Mapping[str, Kept]
    class_loss: float
    pixel_loss: float

    def at(self, rule: str) -> TwoHeaded:
        """A copy of the network with the weights that a rule kept."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(dict(self.kept[rule].state))
        return network.eval()


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
    weight_decay: float = 0.01,
    batch_size: int = 16,
    every: int = 50,
    fewer: Int[Tensor, " some"] | None = None,
) -> Fitted:
    """Minimise the class's loss and `weight` times the mask's; keep what validates best.

    Every batch is turned and mirrored as a whole by one of the square's eight symmetries. What
    validates is the class's AUC, whatever else was learned. Of generators in one state, first
    weights, batches and symmetries are the same whatever the masks and their weight.

    Args:
        images, labels: of the class, 0 or 1.
        masked: what the mask is learned from; None for the class alone.
        weight: of the mask's loss, a mean over pixels; "learned" as variances (Kendall 2018), with
            means over pixels; "learned_sum", the same with sums; "balanced" so that both gradients
            are equally long; "mask_alone", no label is used.
        validation: images and labels that none of this learns from.
        steps, peak_rate, weight_decay, batch_size: of AdamW under one cycle.
        generator: draws weights, batches and symmetries; a CPU generator.
        every: steps between validations.
        fewer: which of the validation images make the choice "fewer"; without, it is not made.

    Raises:
        ValueError: an unknown way of weighting, a negative weight, masks that do not fit or are
            not there, or validation images of one class only.

    Example:
        >>> x, y = torch.zeros(4, 1, 16, 16), torch.tensor([0, 1, 0, 1])
        >>> fitted = fit_two_headed(x, y, masked=None, weight=0.0, validation=(x, y), steps=1,
        ...     peak_rate=1e-3, batch_size=2, generator=torch.Generator().manual_seed(0))
        >>> sorted(fitted.kept), fitted.kept["last"].step
        (['auc', 'first', 'last', 'loss'], 1)
    """
    _check(images, masked, weight)
    share = float(masked.masks.float().mean()) if masked else 0.5
    logit = float(torch.logit(torch.tensor(min(max(share, 1e-4), 1 - 1e-4))))
    network = two_headed(
        channels=images.shape[1], first_logit=logit, generator=generator
    ).to(images.device)  # fmt: skip
    way = _Weighting(
        weight, n_pixels=masked.masks[0].numel() if masked else 1,
        shared=tuple(network.encoder.parameters()),
    ).to(images.device)  # fmt: skip
    draw = _draws(images, labels, masked, batch_size=batch_size, generator=generator)
    keeping = Keeping(validation, fewer=fewer, weight=lambda: way.last if masked else 0.0)
    recent: deque[tuple[float, float]] = deque(maxlen=20)

    def loss(model: nn.Module, batch) -> Tensor:
        x, y, z, marks = batch
        answers = model(x)
        if marks is None:
            of_class = F.cross_entropy(answers.classes, y)
            recent.append((float(of_class.detach()), math.nan))
            return of_class
        pixels = answers.pixels if z is None else model(z).pixels
        both = two_losses(answers.classes, pixels, labels=y, masks=marks)
        recent.append((float(both.of_class.detach()), float(both.of_pixel.detach())))
        return way(both)

    groups = [{"params": list(network.parameters()), "lr": peak_rate}]
    if way.learned is not None and masked:
        own = list(way.learned.parameters())
        groups.append({"params": own, "lr": LEARNED_RATE, "weight_decay": 0.0})
    cycle = OneCycle(peak_rate=peak_rate, weight_decay=weight_decay)
    optimizer, schedule = cycle.start(groups, steps=steps)
    train(
        network, loss, draw, steps=steps, optimizer=optimizer, schedule=schedule,
        generator=generator, validate=keeping, every=every, on_step=keeping.count,
        progress="two heads",
    )  # fmt: skip
    network.load_state_dict(dict(keeping.kept["auc"].state))
    return Fitted(network, keeping.kept, *(_typical(each) for each in zip(*recent, strict=True)))


def _typical(losses: tuple[float, ...]) -> float:
    """Their geometric mean."""
    return math.exp(sum(math.log(max(loss, 1e-12)) for loss in losses) / len(losses))


def _check(images, masked, weight) -> None:
    if isinstance(weight, str) and weight not in WAYS:
        raise ValueError(f"weight = {weight!r}; give a number, or one of {', '.join(WAYS)}")
    if isinstance(weight, str) and masked is None:
        raise ValueError(f"weight = {weight!r}, but there are no masks to weigh")
    if not isinstance(weight, str) and weight < 0:
        raise ValueError(f"weight = {weight} must not be negative")
    if masked and masked.same and len(masked.images) != len(images):
        raise ValueError(f"{len(images)} labelled images, but {len(masked.images)} with masks")


class _Weighting(nn.Module):
    """The joint loss under one way of weighting, and the weight of the mask it came to."""

    def __init__(self, weight: float | str, *, n_pixels: int, shared: tuple[nn.Parameter, ...]):
        super().__init__()
        self.shared = shared  # a tuple: they are the network's parameters, not this one's
        self.balance = GradientBalance() if weight == "balanced" else None
        self.steps = 0
        first = {"learned": 0.0, "learned_sum": -math.log(n_pixels)}
        self.learned = (
            LearnedWeights(2, first_log_variance=(0.0, first[weight])) if weight in first else None
        )
        self.mask_alone = weight == "mask_alone"
        self.last = math.nan if isinstance(weight, str) else float(weight)

    def forward(self, both: TwoLosses) -> Tensor:
        if self.mask_alone:
            return both.of_pixel
        if self.balance is not None:
            if self.steps % BALANCE_EVERY == 0:
                pull = pull_of(both.of_class, both.of_pixel, shared=self.shared)
                self.last = self.balance.update(pull)
            self.steps += 1
        if self.learned is None:
            return both.weighted(self.last)
        of = self.learned.weights()
        self.last = float(of[1] / of[0])
        return self.learned([both.of_class, both.of_pixel])


def _draws(images, labels, masked, *, batch_size, generator):
    """A sampler of (images, labels, other images or None, masks or None), turned alike."""
    tensors = (images, labels, masked.masks) if masked and masked.same else (images, labels)
    first = sampler(tensors, batch_size=min(batch_size, len(images)), generator=generator)
    # drawn whether needed or not, so that labelled images come in one order with other images too
    seed = int(torch.randint(2**62, (1,), generator=generator))
    other = None
    if masked and not masked.same:
        other = sampler(
            (masked.images, masked.masks), batch_size=min(batch_size, len(masked.images)),
            generator=torch.Generator().manual_seed(seed),
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
