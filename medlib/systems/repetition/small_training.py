"""A small network trained from two seeds: small enough to be trained again for every cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.systems.repetition.switches import Switches, switched

__all__ = ["Settings", "Trained", "learned_numbers", "train_small", "weights_of"]

Images = UInt8[np.ndarray, "n size size 3"]
_WIDTHS, _STRIDES = (8, 16, 24), (1, 2, 2)


@dataclass(frozen=True)
class Settings:
    """All that a training is told, besides its images.

    Attributes:
        seed_of_weights: of the weights at the start.
        seed_of_batches: of which images make each batch.
        steps: of the optimiser.
        peak_rate: highest learning rate.
        schedule: "one cycle" warms up and then sinks to nothing; "none" keeps the peak rate, so
            that the training is stopped, not ended.
        batch_size: images a step.
        reverse: the same images in each batch, the last one first.
        channels_last: how the numbers of an image lie in memory; its values are the same.
        optimizer: "foreach", "fused" or "for-loop", three ways to write down the same AdamW.
        switches: how the processor computes.
        switched_steps: for how many steps, from the first; then it goes on with one thread and all
            else as usual. By default for all of them.
        average_last: over so many steps, the last ones, weights are averaged as well; 0 for none.
    """

    seed_of_weights: int = 0
    seed_of_batches: int = 0
    steps: int = 200
    peak_rate: float = 0.01
    schedule: str = "one cycle"
    batch_size: int = 16
    reverse: bool = False
    channels_last: bool = False
    optimizer: str = "foreach"
    switches: Switches = field(default_factory=Switches)
    switched_steps: int | None = None
    average_last: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2 or self.peak_rate <= 0:
            raise ValueError(
                f"steps={self.steps} (>= 1), batch_size={self.batch_size} (>= 2: batches are"
                f" normalised), peak_rate={self.peak_rate} (> 0): one is outside its range"
            )
        if not 0 <= self.average_last <= self.steps:
            raise ValueError(f"average_last is {self.average_last}, of {self.steps} steps")
        for name, known in (
            ("schedule", ("one cycle", "none")),
            ("optimizer", ("foreach", "fused", "for-loop")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {known}")


@dataclass(frozen=True, eq=False)
class Trained:
    """What came out.

    Attributes:
        weights: all of the network's numbers, learned and counted, after some steps.
        logits: of the test images at the end; higher = more like class 1.
        averaged: the same, of the averaged weights; None where none were asked for.
    """

    weights: Mapping[int, Float32[np.ndarray, " weights"]]
    logits: Float32[np.ndarray, " test"]
    averaged: Float32[np.ndarray, " test"] | None = None

    @property
    def last(self) -> Float32[np.ndarray, " weights"]:
        """The weights at the end."""
        return self.weights[max(self.weights)]

    @property
    def decisions(self) -> np.ndarray:
        """Yes or no for each test image: the more likely class."""
        return self.logits > 0


def train_small(
    images: Images,
    labels: Int[np.ndarray, " labels"],
    test_images: Images,
    *,
    settings: Settings,
    keep_at: Sequence[int] = (),
) -> Trained:
    """Train three convolutions on images of two classes, on the processor.

    Averaged are weights and running statistics of the last steps (Izmailov et al. 2018,
    arXiv:1803.05407).

    Every draw comes from the two seeds. What else decides on the last digits is in the settings, in
    the process (its libraries and variables) and in the machine.

    Args:
        images, labels: to learn from; labels 0 or 1.
        test_images: to decide on.
        settings: the training.
        keep_at: steps after which the weights are kept; the last is kept anyhow.

    Raises:
        ValueError: labels and images differ in number.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> images = rng.integers(0, 256, size=(8, 16, 16, 3), dtype=np.uint8)
        >>> short = Settings(steps=2, batch_size=4)
        >>> one, two = (train_small(images, np.arange(8) % 2, images, settings=short) for _ in "ab")
        >>> one.last.shape, bool((one.last == two.last).all())
        ((5066,), True)
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    network = _network(settings.seed_of_weights)
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    x, y = _tensor(images), torch.from_numpy(np.asarray(labels, dtype=np.int64))
    draw = torch.Generator().manual_seed(settings.seed_of_batches)
    optimizer, schedule = _optimizer(network, settings)
    changed = settings.steps if settings.switched_steps is None else settings.switched_steps
    kept: dict[int, np.ndarray] = {}
    total = 0.0
    for step in range(1, settings.steps + 1):
        chosen = torch.randperm(len(x), generator=draw)[: settings.batch_size]
        chosen = chosen.flip(0) if settings.reverse else chosen
        with switched(settings.switches if step <= changed else Switches()):
            optimizer.zero_grad()
            scores = network(x[chosen].contiguous(memory_format=layout))
            F.cross_entropy(scores, y[chosen]).backward()
            optimizer.step()
        if schedule is not None:
            schedule.step()
        if step in keep_at or step == settings.steps:
            kept[step] = weights_of(network)
        if step > settings.steps - settings.average_last:
            total = total + weights_of(network).astype(np.float64)
    with switched(settings.switches if settings.steps <= changed else Switches()):
        logits = _logits(network, test_images, layout)
        if not settings.average_last:
            return Trained(kept, logits)
        _put(network, (total / settings.average_last).astype(np.float32))
        return Trained(kept, logits, _logits(network, test_images, layout))


def weights_of(network: nn.Module) -> Float32[np.ndarray, " weights"]:
    """All float32 numbers of a network in one row, running statistics included."""
    parts = [t.detach().contiguous().flatten() for t in network.state_dict().values()]
    return torch.cat([part for part in parts if part.dtype == torch.float32]).numpy().copy()


def learned_numbers() -> Bool[np.ndarray, " weights"]:
    """Which numbers of the network's row are learned: all but its running statistics.

    Running statistics are as large as the features are, so in a distance between two networks they
    outweigh the weights.

    Example:
        >>> len(learned_numbers()), int(learned_numbers().sum())
        (5066, 4970)
    """
    network = _network(0)
    learned = {name for name, _ in network.named_parameters()}
    parts = [np.full(tensor.numel(), name in learned)
             for name, tensor in network.state_dict().items()
             if tensor.dtype == torch.float32]  # fmt: skip
    return np.concatenate(parts)


def _put(network: nn.Module, weights: Float32[np.ndarray, " weights"]) -> None:
    """Give a network the numbers that `weights_of` takes from it."""
    at = 0
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.dtype == torch.float32:
                part = torch.from_numpy(weights[at : at + tensor.numel()].copy())
                tensor.copy_(part.view(tensor.shape))
                at += tensor.numel()


def _network(seed: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after, stride in zip((3, *_WIDTHS[:-1]), _WIDTHS, _STRIDES, strict=True):
        conv = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(after), nn.ReLU()]
    network = nn.Sequential(
        *layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(_WIDTHS[-1], 2)
    )
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                fan_in = layer.weight[0].numel()
                values = torch.randn(layer.weight.shape, generator=draw) * (2 / fan_in) ** 0.5
                layer.weight.copy_(values)
        network[-1].bias.zero_()
    return network


def _optimizer(network: nn.Module, settings: Settings):
    way = {"foreach": {"foreach": True}, "fused": {"fused": True}, "for-loop": {"foreach": False}}
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.peak_rate, **way[settings.optimizer]
    )
    if settings.schedule == "none":
        return optimizer, None
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.peak_rate, total_steps=settings.steps, cycle_momentum=False
    )


def _tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255 - 0.5


@torch.no_grad()
def _logits(network: nn.Module, images: np.ndarray, layout: torch.memory_format) -> np.ndarray:
    network.eval()
    parts = [network(_tensor(part).contiguous(memory_format=layout))
             for part in np.array_split(images, max(1, len(images) // 128))]  # fmt: skip
    scores = torch.cat(parts)
    return (scores[:, 1] - scores[:, 0]).numpy()
