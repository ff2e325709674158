"""Stained tiles, each of another patient: nothing is drawn to be thrown away.

`histology.histology_tiles` draws each patient several tiles of both kinds, as a study of patients
needs them. Where every tile shall be independent of all others, one of a patient is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from data_fetch.sample import Sample
from data_fetch.simulated.histology import Morphology, _as_sample, _smooth_noise, _stains
from data_fetch.simulated.laboratory import reference_laboratory, scan
from data_fetch.simulated.nuclei import Frame, outlines, scatter

__all__ = ["OneTileEach", "one_tile_each"]

_TOGETHER = 25  # patients that are drawn at a time


@dataclass(frozen=True, eq=False)
class OneTileEach:
    """Tiles of as many patients, and how dense the nuclei of each are.

    Args:
        sample: the RGB images, one a patient.
        density_per_mm2: nuclear centres per mm², a tile's mean through a Gaussian window.
    """

    sample: Sample
    density_per_mm2: Float[np.ndarray, " n"]

    @property
    def images(self) -> UInt8[np.ndarray, "n size size 3"]:
        """The RGB images themselves."""
        return self.sample.array


def one_tile_each(
    labels: Int[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    size: int = 48,
    morphology: Morphology | None = None,
    window_um: float = 3.0,
) -> OneTileEach:
    """Simulate one tile (H&E, the reference laboratory, 1 µm a pixel) of each of n patients.

    A patient draws its own morphology from the ranges, as in `histology.histology_tiles`.

    Args:
        labels: of each tile, 1 if a tumour's front crosses it, 0 if none does.
        rng: the source of randomness. 25 patients at a time have a generator of their own; the
            patients of a full 25 do not change when more are asked for.
        size: side of a tile in pixels, >= 32.
        morphology: the patients' ranges.
        window_um: standard deviation of the density's window, >= 3. Nuclei are drawn as far as
            three of them around the tile: with less, one that reaches into it would be missed; a
            wide window takes longer.

    Raises:
        ValueError: no label or another than 0 and 1, or a number out of its range.

    Example:
        >>> tiles = one_tile_each(np.array([0, 1, 1]), rng=np.random.default_rng(0))
        >>> tiles.images.shape, tiles.density_per_mm2.shape
        ((3, 48, 48, 3), (3,))
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0 or not np.isin(labels, (0, 1)).all():
        raise ValueError("labels are a list of 0 (no front) and 1 (a front), one a patient")
    if size < 32 or window_um < 3:
        raise ValueError(
            f"size={size} (>= 32), window_um={window_um:g} (>= 3): one is out of range"
        )
    frame = Frame.around(size, um_per_px=1.0, window_um=window_um)
    batches = [labels[first : first + _TOGETHER] for first in range(0, len(labels), _TOGETHER)]
    parts = [
        _drawn(batch, frame, morphology or Morphology(), own)
        for batch, own in zip(batches, rng.spawn(len(batches)), strict=True)
    ]
    images, density = (np.concatenate(part) for part in zip(*parts, strict=True))
    return OneTileEach(_as_sample(images, um_per_px=1.0), density)


def _drawn(
    labels: Int[np.ndarray, " n"], frame: Frame, morphology: Morphology, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "n size size 3"], Float[np.ndarray, " n"]]:
    """The images of some patients, and the density of their nuclei."""
    n, laboratory = len(labels), reference_laboratory()
    normal, tumour, radius, enlargement, worst, width = (
        rng.uniform(*limits, size=(n, 1, 1))
        for limits in (
            morphology.normal_per_mm2,
            morphology.tumour_per_mm2,
            morphology.normal_radius_um,
            morphology.tumour_enlargement,
            morphology.tumour_atypia,
            morphology.front_width_um,
        )
    )
    share = rng.uniform(*morphology.tumour_share, size=n)
    front = _fronts(frame, labels, share, width, rng)
    uneven = np.exp(0.15 * _smooth_noise(n, frame.full, cells=4, rng=rng))
    intensity = uneven * (normal + front * (tumour - normal)) * 1e-6  # nuclei a pixel of 1 µm²
    mean_atypia = morphology.normal_atypia + front * (worst - morphology.normal_atypia)
    mean_radius = radius * (1 + front * (enlargement - 1))
    drawn = [
        scatter(own, expected, size, severity, frame)
        for own, expected, size, severity in zip(
            rng.spawn(n), intensity, mean_radius, mean_atypia, strict=True
        )
    ]
    tile = np.repeat(np.arange(n), [len(d["at"]) for d in drawn])
    at, radii, atypia = (np.concatenate([d[k] for d in drawn]) for k in ("at", "radius", "atypia"))
    parts = outlines(tile, at, radii, atypia, n=n, frame=frame, rng=rng)
    stains = _stains(*map(frame.crop, parts), "H&E", laboratory, rng)
    images = scan(stains, laboratory=laboratory, rng=rng)
    return images, np.array([_density(d["at"], frame) for d in drawn])


def _fronts(
    frame: Frame,
    labels: Int[np.ndarray, " n"],
    share: Float[np.ndarray, " n"],
    width_um: Float[np.ndarray, "n 1 1"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "n full full"]:
    """The fronts of `histology_tiles`, but of another width in each tile: 0 normal, 1 tumour."""
    n, ticks = len(labels), (np.arange(frame.full) - (frame.full - 1) / 2) * frame.um_per_px
    angle = rng.uniform(0, 2 * np.pi, size=(n, 1, 1))
    along = np.cos(angle) * ticks[None, :, None] + np.sin(angle) * ticks[None, None, :]
    along += 0.06 * frame.size * frame.um_per_px * _smooth_noise(n, frame.full, cells=5, rng=rng)
    seen = frame.crop(along).reshape(n, -1)
    edge = np.array([np.quantile(s, 1 - q) for s, q in zip(seen, share, strict=True)])
    steps = np.clip((along - edge[:, None, None]) / width_um, -30, 30)
    return np.where(labels[:, None, None] == 1, 1 / (1 + np.exp(-steps)), 0.0)


def _density(at: Float[np.ndarray, "nuclei 2"], frame: Frame) -> float:
    """Centres per mm², through a Gaussian window, on average over the tile's pixels."""
    pixels = frame.margin + np.arange(frame.size)
    down, across = (
        np.exp(-0.5 * ((pixels[:, None] - place) / frame.window_px) ** 2).mean(axis=0)
        for place in at.T
    )
    return float(down @ across / (2 * np.pi * (frame.window_px * frame.um_per_px / 1000) ** 2))
