"""How far one image is shifted in every layer: the size for each image first, then the mean.

The shift of the mean over many images hides what happens to each: where one moves up and another
down by as much, the mean stays. The mean over the places of one image hides as much again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.translation.shifts.norm_inputs import norm_layers, visit_norm_inputs

__all__ = ["channel_means", "shift_of_mean", "shift_per_image", "shift_per_place"]


def channel_means(
    network: nn.Module, images: Float[Tensor, "n c height width"], *, batch_size: int = 64
) -> tuple[Float[np.ndarray, "n _"], ...]:
    """Return each image's channel means of what enters each batch normalisation.

    Means are over positions. The network is used in evaluation mode, so that every layer gets what
    the layers before it make of the image, shift and all.

    Returns:
        One array a layer, in the order in which the network defines them; one row an image.

    Raises:
        ValueError: the network has no batch normalisation.

    Example:
        >>> network = nn.Sequential(nn.BatchNorm2d(1))
        >>> images = Tensor([1.0, 3.0])[:, None, None, None].expand(2, 1, 4, 4)
        >>> channel_means(network, images)[0].tolist()
        [[1.0], [3.0]]
    """
    found: dict[str, list[np.ndarray]] = {}

    def keep(name: str, maps: Tensor) -> None:
        found.setdefault(name, []).append(maps.mean(dim=(2, 3)).cpu().numpy())

    visit_norm_inputs(network, images, keep, batch_size=batch_size)
    return tuple(np.concatenate(found[name]) for name, _ in norm_layers(network))


def shift_per_image(
    there: Sequence[Float[np.ndarray, "n _"]],
    home: Sequence[Float[np.ndarray, "_ _"]],
    *,
    sds: Sequence[Float[np.ndarray, " _"]],
) -> Float[np.ndarray, "layers n"]:
    """Return the size of each image's shift in each layer: the RMS over channels of δ_ic.

    δ_ic = (mean'_ic - mean_ic) / σ_c for image i and channel c

    Args:
        there: of the shifted images, as `channel_means` returns them.
        home: of the same images unshifted, row by row; or one row a layer, to which all compare.
        sds: σ_c of each layer.

    Returns:
        0 = not shifted; 1 = by one of the channels' standard deviations.

    Raises:
        ValueError: layers, images or channels do not match, or an sd is not above 0.

    Example:
        >>> up, down = np.array([[1.0]]), np.array([[-1.0]])
        >>> there, home = [np.concatenate([up, down])], [np.zeros((2, 1))]
        >>> shift_per_image(there, home, sds=[np.ones(1)]).tolist()
        [[1.0, 1.0]]
        >>> shift_of_mean(there, home, sds=[np.ones(1)]).tolist()
        [0.0]
    """
    _check(there, home, sds)
    for layer, (a, b) in enumerate(zip(there, home, strict=True)):
        if len(b) not in (1, len(a)):
            raise ValueError(
                f"layer {layer}: {len(a)} images there and {len(b)} at home; give the same images"
                " in the same order, or one row to compare all with"
            )
    moved = ((a - b) / sd for a, b, sd in zip(there, home, sds, strict=True))
    return np.stack([np.sqrt(np.mean(delta**2, axis=1)) for delta in moved])


def shift_per_place(
    network: nn.Module,
    there: Float[Tensor, "n c height width"],
    home: Float[Tensor, "_ _ _ _"],
    *,
    sds: Sequence[Float[np.ndarray, " _"]],
    mirrored: bool = False,
    batch_size: int = 16,
) -> Float[np.ndarray, "layers n"]:
    """Return the size of each image's shift in each layer, place by place.

    The RMS over channels c and places p of δ_icp = (x'_icp - x_icp) / σ_c, x what enters a batch
    normalisation. `shift_per_image` takes the mean over places first, in which what moves up here
    and down there cancels; a mirror image, for one, has all its means where they were.

    Args:
        there: the shifted images, preprocessed.
        home: the same images unshifted, in the same order.
        sds: σ_c of each layer.
        mirrored: whether `there` are mirror images, whose maps are turned back before they are
            compared.

    Raises:
        ValueError: shapes differ, or not one array of sds a layer; no batch normalisation.

    Example:
        >>> network = nn.Sequential(nn.BatchNorm2d(1))
        >>> home = torch.zeros(1, 1, 1, 2)
        >>> there = torch.tensor([[[[1.0, -1.0]]]])
        >>> shift_per_place(network, there, home, sds=[np.ones(1)]).tolist()
        [[1.0]]
    """
    if there.shape != home.shape:
        raise ValueError(f"{tuple(there.shape)} there, {tuple(home.shape)} at home: give the same")
    names = [name for name, _ in norm_layers(network)]
    if len(sds) != len(names):
        raise ValueError(f"{len(sds)} arrays of sds for {len(names)} batch normalisations")
    scale = {name: torch.from_numpy(np.asarray(sd)) for name, sd in zip(names, sds, strict=True)}
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def compare(name: str, maps: Tensor) -> None:
        moved, still = maps.chunk(2)
        moved = moved.flip(-1) if mirrored else moved
        delta = (moved - still) / scale[name].to(maps)[:, None, None]
        found[name].append(delta.square().mean(dim=(1, 2, 3)).sqrt().cpu().numpy())

    for pair in zip(there.split(batch_size), home.split(batch_size), strict=True):
        visit_norm_inputs(network, torch.cat(pair), compare, batch_size=2 * batch_size)
    return np.stack([np.concatenate(found[name]) for name in names])


def shift_of_mean(
    there: Sequence[Float[np.ndarray, "n _"]],
    home: Sequence[Float[np.ndarray, "_ _"]],
    *,
    sds: Sequence[Float[np.ndarray, " _"]],
) -> Float[np.ndarray, " layers"]:
    """Return the size of the mean image's shift in each layer; what the images do apart cancels.

    Never above the mean of `shift_per_image` for the same images.

    Raises:
        ValueError: layers or channels do not match, or an sd is not above 0.
    """
    _check(there, home, sds)
    moved = ((a.mean(0) - b.mean(0)) / sd for a, b, sd in zip(there, home, sds, strict=True))
    return np.array([np.sqrt(np.mean(delta**2)) for delta in moved])


def _check(there, home, sds) -> None:
    if not len(there) == len(home) == len(sds):
        raise ValueError(f"{len(there)} layers there, {len(home)} at home, {len(sds)} of sds")
    for layer, (a, b, sd) in enumerate(zip(there, home, sds, strict=True)):
        if not a.shape[1] == b.shape[1] == len(sd):
            raise ValueError(
                f"layer {layer} has {a.shape[1]} channels there, {b.shape[1]} at home and"
                f" {len(sd)} standard deviations"
            )
        if not (np.asarray(sd) > 0).all():
            raise ValueError(f"layer {layer}: a channel has no spread, so no unit to count in")
