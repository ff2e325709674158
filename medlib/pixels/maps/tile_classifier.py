"""Fine-tune the upper part of a pretrained network on tiles, its lower part computed once."""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from medlib.nets.efficientnet_lite import FEATURES, EfficientNetLite0, initialise
from medlib.nets.training import OneCycle, cross_entropy, device_of, train

__all__ = ["class_probabilities", "fit_tile_classifier"]


class _Upper(nn.Module):
    """What stands above the frozen stages, as a network of its own; shares the whole's weights."""

    def __init__(self, whole: EfficientNetLite0, *, frozen_stages: int):
        super().__init__()
        self.stages = nn.Sequential(*whole.stages[frozen_stages:])
        self.head, self.activation, self.classifier = whole.head, whole.activation, whole.classifier

    def forward(self, maps: Tensor) -> Tensor:
        last = self.activation(self.head(self.stages(maps)))
        return self.classifier(last.mean(dim=(2, 3)))


def fit_tile_classifier(
    source: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    labels: Int[Tensor, " n"],
    *,
    steps: int,
    generator: torch.Generator,
    classes: int = 2,
    frozen_stages: int = 3,
    batch_size: int = 16,
    peak_rate: float = 1e-3,
) -> EfficientNetLite0:
    """Return a copy of `source` fitted to the tiles: new classifier, upper stages fine-tuned.

    The stem and the first stages, which see edges and colours, stay as they are and in evaluation
    mode; so their maps are computed once for all steps. The rest learns by AdamW under one cycle.
    Afterwards the statistics of its normalisation are estimated anew on all tiles.

    Args:
        source: pretrained; copied, never changed.
        images: preprocessed tiles.
        labels: int64, 0..classes-1.
        steps: optimiser steps.
        generator: draws the new classifier first, then the batches; a CPU generator.
        frozen_stages: how many of the seven stages stay as they are, 0 to 6.
        batch_size: tiles a step; at most n.
        peak_rate: highest learning rate.

    Raises:
        ValueError: lengths differ, a label or a number out of range, or what `train` refuses.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    if not 0 <= frozen_stages < len(source.stages):
        raise ValueError(f"frozen_stages={frozen_stages}: 0 to {len(source.stages) - 1} can stay")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}; with classes={classes} "
            f"they are 0 to {classes - 1}"
        )
    device = device_of(source)
    network = copy.deepcopy(source).eval()
    network.classifier = initialise(
        nn.Linear(FEATURES, classes, device=device), generator=generator
    )
    with torch.no_grad():
        lower = [network.depths(part.to(device))[frozen_stages] for part in images.split(64)]
    maps = torch.cat(lower).contiguous(memory_format=torch.channels_last)
    upper = _Upper(network, frozen_stages=frozen_stages)
    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(upper.parameters(), steps=steps)
    train(
        upper,
        cross_entropy,
        (maps, labels.to(device)),
        steps=steps,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        progress="tile classifier",
    )
    update_bn(maps.tensor_split(-(-len(maps) // 64)), upper)
    return network.eval()


@torch.no_grad()
def class_probabilities(
    network: nn.Module, images: Float[Tensor, "n 3 height width"], *, batch_size: int = 64
) -> Float[Tensor, "n classes"]:
    """Return softmax(y) of every image, on the CPU.

    Example:
        >>> network = EfficientNetLite0(classes=2).eval()
        >>> class_probabilities(network, torch.zeros(3, 3, 32, 32)).shape
        torch.Size([3, 2])
    """
    device = device_of(network)
    parts = [network(part.to(device)).softmax(dim=1).cpu() for part in images.split(batch_size)]
    return torch.cat(parts)
