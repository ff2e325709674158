"""A study of networks for volumes: the same head, the same steps, whatever reads the slices."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.measures.auc import Auc, auc_of
from medlib.nets.efficientnet_lite import initialise
from medlib.nets.features import as_linear, fit_head
from medlib.nets.norm_statistics import refresh_statistics
from medlib.nets.training import OneCycle, cross_entropy, train
from medlib.translation.volumes.inflation import inflate
from medlib.translation.volumes.slice_aggregation import SliceWise

__all__ = [
    "Patches",
    "VolumeFit",
    "fit_volumes",
    "from_scratch",
    "mean_of_slices",
    "mean_of_stacks",
    "prepare",
    "score",
]


@dataclass(frozen=True, eq=False)
class Patches:
    """Small volumes, preprocessed, and their labels 0 or 1."""

    volumes: Float[Tensor, "n 1 slices height width"]
    labels: Int[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class VolumeFit:
    """One reader of volumes, fitted.

    Attributes:
        network: reader and head, in evaluation mode.
        before: test AUC with the head alone fitted, the reader as it came.
        after: test AUC after all parameters have moved.
        loss: training loss, one number a step.
        scores: of the test patches, before and after, for comparisons patch by patch.
    """

    network: nn.Module
    before: Auc
    after: Auc
    loss: tuple[float, ...]
    scores: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]


def prepare(
    images: np.ndarray, labels: Int[np.ndarray, " n"], *, device: torch.device | str = "cpu"
) -> Patches:
    """8-bit grey volumes (n, slices, height, width) as the grey ImageNet stem expects them.

    x = (v - 127) / 128, as for photographs.

    Example:
        >>> prepare(np.full((2, 3, 8, 8), 255, dtype=np.uint8), np.array([0, 1])).volumes.shape
        torch.Size([2, 1, 3, 8, 8])
    """
    volumes = torch.tensor(images, device=device)[:, None].float().sub_(127).div_(128)
    return Patches(volumes.contiguous(memory_format=torch.channels_last_3d), labels)


def mean_of_slices(plane_network: nn.Module) -> nn.Module:
    """Return a reader of volumes: a copy of a 2D network shared by all slices, then the mean.

    Example:
        >>> flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        >>> mean_of_slices(flat)(torch.zeros(2, 1, 9, 8, 8)).shape
        torch.Size([2, 1])
    """
    return SliceWise(copy.deepcopy(plane_network), _Mean())


def mean_of_stacks(colour_network: nn.Module) -> nn.Module:
    """Return a reader of volumes: each slice with its two neighbours as one colour image ("2.5D").

    The network stays 2D and its stem is not changed: the slice below is red, the slice itself
    green, the one above blue. The images' features are averaged.

    Args:
        colour_network: (B, 3, H, W) to features (B, F); copied.

    Example:
        >>> flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        >>> mean_of_stacks(flat)(torch.zeros(2, 1, 9, 8, 8)).shape
        torch.Size([2, 3])
    """
    return nn.Sequential(_Stacks(), SliceWise(copy.deepcopy(colour_network), _Mean()))


class _Stacks(nn.Module):
    def forward(self, volumes: Float[Tensor, "batch 1 slices height width"]) -> Tensor:
        slices = volumes.shape[2]
        if slices < 3:
            raise ValueError(f"{slices} slices: a stack is made of 3")
        return torch.cat([volumes[:, :, z : slices - 2 + z] for z in range(3)], dim=1)


class _Mean(nn.Module):
    def forward(self, features: Float[Tensor, "batch slices channels"]) -> Tensor:
        return features.mean(dim=1)


def from_scratch(
    plane_network: nn.Module,
    volumes: Float[Tensor, "n channels slices height width"],
    *,
    depth: int,
    generator: torch.Generator,
) -> nn.Module:
    """Return the inflated network with random weights, normalised by statistics of `volumes`."""
    network = initialise(inflate(plane_network, depth=depth), generator=generator)
    return refresh_statistics(network, volumes, batch_size=32).eval()


def score(
    network: nn.Module, volumes: Float[Tensor, "n channels slices height width"]
) -> Float[np.ndarray, "n outputs"]:
    """Return what the network says of each volume, computed in parts and without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in volumes.split(32)]).cpu().numpy()


def fit_volumes(
    reader: nn.Module,
    learn: Patches,
    judge: Patches,
    *,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
    peak_rate: float = 3e-3,
) -> VolumeFit:
    """Fit a head on the reader's features, then reader and head together; measure both.

    The normalisation keeps its statistics throughout, so that what an inflation did to means and
    variances stays visible (batch statistics would undo any divisor).

    Args:
        reader: volumes (B, 1, D, H, W) to features (B, C), in evaluation mode; left as it is.
        learn, judge: training and test patches.
        steps, batch_size, peak_rate: of AdamW under one cycle.
        generator: draws the batches.

    Returns:
        VolumeFit; intervals are DeLong's over the test patches.
    """
    features = score(reader, learn.volumes)
    head = fit_head(features, learn.labels)
    before = head.decision_function(score(reader, judge.volumes))
    network = nn.Sequential(copy.deepcopy(reader), as_linear(head).to(learn.volumes.device))
    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(network.parameters(), steps=steps)
    history = train(
        network,
        cross_entropy,
        (learn.volumes, torch.from_numpy(learn.labels)),
        steps=steps,
        batch_size=min(batch_size, len(learn.labels)),
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        training_mode=nn.Module.eval,
    )
    after = np.diff(score(network, judge.volumes))[:, 0]
    measured = [auc_of(values, judge.labels) for values in (before, after)]
    return VolumeFit(network, *measured, history.train_loss, (before, after))
