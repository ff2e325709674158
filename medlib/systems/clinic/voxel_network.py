"""A network that says of every voxel how likely it lies in a lesion, from what is around it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.global_draws import global_draws_from
from medlib.nets.training import OneCycle, train
from medlib.systems.clinic.voxel_features import NAMES, brain_of

__all__ = ["Drawn", "VoxelNetwork", "drawn_voxels", "fit_voxel_network"]

Study = tuple[Float[np.ndarray, "slices rows columns d"], Bool[np.ndarray, "slices rows columns"]]
Drawn = tuple[Tensor, Tensor, Tensor]

_BRIGHT = 0.8  # of the blurred voxel; what is brighter and no lesion is easily taken for one
_A_KIND = 1500  # voxels drawn of each kind in a study
_BATCH = 2048
_BLOCK = 8192  # voxels that are asked about at once


class VoxelNetwork(nn.Module):
    """Two hidden layers over the features of a voxel, the same for all: convolutions of one voxel.

    Args:
        width: of the hidden layers.

    Example:
        >>> VoxelNetwork()(torch.zeros(5, len(NAMES))).shape
        torch.Size([5])
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(NAMES)))
        self.register_buffer("spread", torch.ones(len(NAMES)))
        self.layers = nn.Sequential(
            nn.Linear(len(NAMES), width), nn.ReLU(),
            nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 1),
        )  # fmt: skip

    def forward(self, features: Float[Tensor, "*voxels d"]) -> Float[Tensor, "*voxels"]:
        """Log-odds of lesion."""
        return self.layers((features - self.mean) / self.spread)[..., 0]

    @torch.no_grad()
    def probabilities(self, features: Float[np.ndarray, "*voxels d"]) -> np.ndarray:
        """Of lesion, in double precision.

        Voxels are taken in blocks. All at once need some 16 MB for each hidden layer, and what a
        study leaves lies between two such, so that a process that reads many studies grows by
        several times what it keeps.
        """
        found = np.empty(features.shape[:-1])
        rows, flat = features.reshape(-1, features.shape[-1]), found.reshape(-1)
        for start in range(0, len(rows), _BLOCK):
            block = self(torch.from_numpy(rows[start : start + _BLOCK]))
            flat[start : start + _BLOCK] = block.double().sigmoid().numpy()
        return found


def drawn_voxels(studies: Iterable[Study], *, generator: torch.Generator) -> Drawn:
    """Voxels of three kinds, equally many of each where there are: lesion, bright, and the rest.

    Args:
        studies: features of voxels and lesions; taken one after the other, so that a generator will
            do and not all need be held.
        generator: draws.

    Returns:
        Features; 1 for lesion; and how many voxels each stands for, scaled to a mean of 1. With
        these as weights a loss is that of all voxels, though few are looked at.

    Raises:
        ValueError: there is no lesion in any study.

    Example:
        >>> from medlib.systems.clinic.voxel_features import voxel_features
        >>> volume = np.random.default_rng(0).random((2, 9, 9)) + 1
        >>> mask = np.zeros(volume.shape, bool); mask[0, 3:5, 3:5] = True
        >>> study = (voxel_features(volume), mask)
        >>> x, y, weights = drawn_voxels([study], generator=torch.Generator())
        >>> int(y.sum()), round(float(weights.mean()), 3)
        (4, 1.0)
    """
    rows, labels, weights = [], [], []
    for features, lesions in studies:
        flat = torch.from_numpy(features.reshape(-1, features.shape[-1]))
        other = brain_of(features[..., 0]) & ~lesions
        bright = other & (features[..., 1] > _BRIGHT)
        for kind in (lesions, bright, other & ~bright):
            there = torch.from_numpy(np.flatnonzero(kind))
            taken = there[torch.randperm(len(there), generator=generator)[:_A_KIND]]
            rows.append(flat[taken])
            labels.append(torch.full((len(taken),), float(kind is lesions)))
            weights.append(torch.full((len(taken),), len(there) / max(len(taken), 1)))
    y, w = torch.cat(labels), torch.cat(weights)
    if not y.any():
        raise ValueError("no lesion in any of the studies: there is nothing to learn from")
    return torch.cat(rows), y, w / w.mean()


def fit_voxel_network(
    drawn: Drawn,
    *,
    held: Drawn,
    steps: int,
    generator: torch.Generator,
    peak_rate: float = 1e-2,
) -> VoxelNetwork:
    """Minimise cross-entropy by AdamW under one cycle of the rate; keep what validates best.

    Cross-entropy and no overlap: with voxels drawn by kind no class is rare, and what comes out are
    probabilities, of which a threshold is chosen afterwards.

    Args:
        drawn: of `drawn_voxels`, of studies to learn from.
        held: of others.
        steps: optimiser steps of 2048 voxels.
        generator: draws first weights and batches.
        peak_rate: highest learning rate.
    """
    with global_draws_from(generator):
        network = VoxelNetwork()
    network.mean.copy_(drawn[0].mean(dim=0))
    network.spread.copy_(drawn[0].std(dim=0).clamp(min=1e-3))
    cycle = OneCycle(peak_rate=peak_rate, weight_decay=1e-4)
    optimizer, schedule = cycle.start(network.parameters(), steps=steps)
    train(
        network, _loss, drawn, steps=steps, batch_size=min(_BATCH, len(drawn[0])),
        optimizer=optimizer, schedule=schedule, generator=generator, every=max(steps // 5, 1),
        validate=lambda net: float(_loss(net, held)),
    )  # fmt: skip
    return network


def _loss(network: nn.Module, batch: Drawn) -> Tensor:
    features, labels, weights = batch
    each = F.binary_cross_entropy_with_logits(network(features), labels, reduction="none")
    return (weights * each).mean()
