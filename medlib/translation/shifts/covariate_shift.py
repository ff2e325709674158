"""Covariate shift: the same things look different. How far it reaches in a network, and repairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from skimage.exposure import match_histograms
from torch import Tensor, nn

from medlib.translation.shifts.norm_inputs import norm_layers, visit_norm_inputs

__all__ = [
    "LayerStatistics",
    "match_to",
    "measured_statistics",
    "remembered_statistics",
    "renormalise",
    "rms_shift",
    "standardised_shift",
    "with_mean",
]


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """Mean and standard deviation of each channel of what enters one batch normalisation."""

    layer: str
    mean: Float[np.ndarray, " channels"]
    sd: Float[np.ndarray, " channels"]


def remembered_statistics(network: nn.Module) -> tuple[LayerStatistics, ...]:
    """Return what each batch normalisation remembers of the images that it was trained on.

    Returns:
        One entry a layer, in the order in which the network defines them; sd = sqrt(v_c + eps).

    Raises:
        ValueError: the network has no batch normalisation.

    Example:
        >>> remembered_statistics(nn.Sequential(nn.BatchNorm2d(2, eps=0.0)))[0].sd
        array([1., 1.], dtype=float32)
    """
    return tuple(
        LayerStatistics(
            name,
            layer.running_mean.cpu().numpy().copy(),
            torch.sqrt(layer.running_var + layer.eps).cpu().numpy(),
        )
        for name, layer in norm_layers(network)
    )


def measured_statistics(
    network: nn.Module, images: Float[Tensor, "n c height width"], *, batch_size: int = 64
) -> tuple[LayerStatistics, ...]:
    """Return the mean and SD of what really enters each batch normalisation, over `images`.

    Means are over images and positions. The network is used in evaluation mode, so that every layer
    gets what the layers before it make of the images, shift and all.

    Raises:
        ValueError: the network has no batch normalisation.

    Example:
        >>> found = measured_statistics(nn.Sequential(nn.BatchNorm2d(1)), torch.ones(2, 1, 4, 4))
        >>> found[0].mean, found[0].sd
        (array([1.]), array([0.]))
    """
    layers = norm_layers(network)
    sums = {name: np.zeros((2, layer.num_features)) for name, layer in layers}
    counts = dict.fromkeys(sums, 0)

    def keep(name: str, x: Tensor) -> None:
        sums[name] += torch.stack([x.sum((0, 2, 3)), (x**2).sum((0, 2, 3))]).cpu().numpy()
        counts[name] += x[:, 0].numel()

    visit_norm_inputs(network, images, keep, batch_size=batch_size)
    return tuple(
        LayerStatistics(name, mean, np.sqrt(np.clip(square - mean**2, 0, None)))
        for name, (mean, square) in ((name, sums[name] / counts[name]) for name in sums)
    )


def standardised_shift(
    target_mean: Float[np.ndarray, " channels"],
    source_mean: Float[np.ndarray, " channels"],
    source_sd: Float[np.ndarray, " channels"],
) -> Float[np.ndarray, " channels"]:
    """Return each channel's shift in units of its own spread at home.

    δ_c = (mean'_c - mean_c) / σ_c

    Raises:
        ValueError: different numbers of channels, or a spread that is not above 0.

    Example:
        >>> standardised_shift(np.array([3.0, 0.0]), np.array([1.0, 0.0]), np.array([2.0, 5.0]))
        array([1., 0.])
    """
    arrays = [np.asarray(a, dtype=float) for a in (target_mean, source_mean, source_sd)]
    if len({a.shape for a in arrays}) != 1:
        raise ValueError(f"channels differ: {[a.shape for a in arrays]}")
    target, source, sd = arrays
    if not (sd > 0).all():
        raise ValueError(f"channel {int(np.argmin(sd))} has no spread at home: no unit to count in")
    return (target - source) / sd


def rms_shift(shift: Float[np.ndarray, " channels"]) -> float:
    """Return the root of the mean of δ² over a layer's channels.

    Example:
        >>> rms_shift(np.array([3.0, 4.0, 0.0, 0.0]))
        2.5
    """
    return float(np.sqrt(np.mean(np.square(shift))))


def with_mean(
    images: UInt8[np.ndarray, "n height width 3"], *, mean: float
) -> UInt8[np.ndarray, "n height width 3"]:
    """Return the images brightened or darkened by one number, so that their mean is `mean`.

    What leaves 0..255 is cut off, as a sensor does; the offset makes up for it, and no repair can
    bring back what was cut.

    Args:
        mean: over all images, positions and colours; 1 <= mean <= 254.

    Raises:
        ValueError: a mean outside that range.

    Example:
        >>> with_mean(np.full((1, 2, 2, 3), 100, dtype=np.uint8), mean=180)[0, 0, 0].tolist()
        [180, 180, 180]
    """
    if not 1 <= mean <= 254:
        raise ValueError(f"mean={mean}: 8-bit images can have a mean of 1 to 254")
    values, counts = np.unique(images, return_counts=True)
    share = counts / counts.sum()
    low, high = -255.0, 255.0
    for _ in range(40):  # the clipped mean grows with the offset
        offset = (low + high) / 2
        low, high = (
            (offset, high) if np.clip(values + offset, 0, 255) @ share < mean else (low, offset)
        )
    return _to_uint8(images.astype(np.float32) + np.float32(low))


def renormalise(
    images: UInt8[np.ndarray, "n height width 3"],
    *,
    mean: Float[np.ndarray, " 3"],
    sd: Float[np.ndarray, " 3"],
) -> UInt8[np.ndarray, "n height width 3"]:
    """Return the images with each colour's mean and SD, over all of them, as they were at home.

    v' = (v - mean_v) / sd_v · sd + mean, then cut to 0..255

    Args:
        mean: of each colour at home.
        sd: of each colour at home.

    Raises:
        ValueError: a colour that has one value everywhere.

    Example:
        >>> images = np.array([[[[10] * 3, [30] * 3]]], dtype=np.uint8)
        >>> renormalise(images, mean=np.full(3, 100.0), sd=np.full(3, 5.0))[0, 0, :, 0].tolist()
        [95, 105]
    """
    values = images.astype(np.float32)
    own_mean, own_sd = values.mean((0, 1, 2), dtype=float), values.std((0, 1, 2), dtype=float)
    if (own_sd == 0).any():
        raise ValueError(f"colour {int(np.argmin(own_sd))} has one value everywhere: no spread")
    scale = (np.asarray(sd) / own_sd).astype(np.float32)
    return _to_uint8((values - own_mean.astype(np.float32)) * scale + np.float32(mean))


def match_to(
    images: UInt8[np.ndarray, "n height width 3"],
    reference: UInt8[np.ndarray, "m rows columns 3"],
) -> UInt8[np.ndarray, "n height width 3"]:
    """Return the images with each colour's histogram, pooled over all of them, as in `reference`.

    v' = F_home⁻¹(F(v)), F a colour's cumulative distribution (scikit-image's `match_histograms`).
    One monotone curve a colour for the whole site: it undoes any monotone tone curve. Matching
    image by image instead would also undo what tells the images apart.

    Example:
        >>> home = np.array([[[[10] * 3, [30] * 3]]], dtype=np.uint8)
        >>> match_to(np.array([[[[90] * 3, [91] * 3]]], dtype=np.uint8), home)[0, 0, :, 0].tolist()
        [10, 30]
    """
    rows, home = (a.reshape(-1, a.shape[2], 3) for a in (images, reference))
    return _to_uint8(match_histograms(rows, home, channel_axis=-1)).reshape(images.shape)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
