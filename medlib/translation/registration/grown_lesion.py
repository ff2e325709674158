"""A lesion on two scans: between them it grows by pushing, or by taking over, or not at all.

- Pushing: the later image is the earlier one warped by a radial map. What happened to tissue is a
  map, and its Jacobian is known.
- Taking over, infiltration: the lesion is larger on the later image and nothing has moved. No map
  leads from one image to the other; the true displacement is zero, and the true Jacobian one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from medlib.translation.registration.radial_growth import radial_growth
from medlib.translation.registration.warp import warp

__all__ = ["GrownLesions", "grown_lesions"]


@dataclass(frozen=True, eq=False)
class GrownLesions:
    """One entry a lesion.

    Attributes:
        early, late: the two scans, with noise; the early one is held fixed.
        before, after: the lesion's outline on either.
        ring: tissue that a pushing lesion compresses, outside of the lesion on the early scan.
        known: the displacement of tissue from early to late, in voxels.
        determinant: its Jacobian's.
        volume_ratio: of the later outline over the earlier one, on the grid.
    """

    early: Float[Tensor, "n 1 *grid"]
    late: Float[Tensor, "n 1 *grid"]
    before: Bool[Tensor, " n *grid"]
    after: Bool[Tensor, " n *grid"]
    ring: Bool[Tensor, " n *grid"]
    known: Float[Tensor, "n dims *grid"]
    determinant: Float[Tensor, " n *grid"]
    volume_ratio: Float[np.ndarray, " n"]


def grown_lesions(
    slices: Float[Tensor, "levels 3 *grid"],
    *,
    n: int,
    spacing_mm: Sequence[float],
    volume_ratio: float,
    rng: np.random.Generator,
    pushes: bool = True,
    radius_mm: float = 7.0,
    reach_mm: float = 24.0,
    grey: float = 0.45,
    noise: float = 0.02,
) -> GrownLesions:
    """Draw a slice and a place deep in white matter for each lesion.

    Args:
        slices: image, probability of grey and of white matter.
        n: lesions.
        spacing_mm: the voxel's side along each axis.
        volume_ratio: how much larger the lesion is on the later scan; in the plane, its area.
        rng: draws slices, places and noise.
        pushes: whether it pushes tissue aside, or takes it over.
        radius_mm: on the early scan.
        reach_mm: how far from its middle tissue is compressed.
        grey: of the lesion, even throughout.
        noise: standard deviation, in both scans.

    Raises:
        ValueError: no lesion, or no white matter with so much around it; or as `radial_growth`.

    Example:
        >>> white = torch.ones(1, 3, 48, 48)
        >>> one = grown_lesions(white, n=1, spacing_mm=(2.0, 2.0), volume_ratio=1.5,
        ...                     rng=np.random.default_rng(0))
        >>> bool(one.after.sum() > one.before.sum()), float(one.determinant.max())
        (True, 1.5)
    """
    if n < 1:
        raise ValueError(f"n={n}: one lesion or more")
    places = _deep_white(slices)
    if not len(places):
        raise ValueError("no place in these slices has white matter all around it")
    parts: list[list] = []
    for level, *at in places[torch.from_numpy(rng.integers(len(places), size=n))].tolist():
        grown = radial_growth(
            grid=slices.shape[2:],
            spacing_mm=spacing_mm,
            centre_mm=[i * side for i, side in zip(at, spacing_mm, strict=True)],
            radius_mm=radius_mm,
            reach_mm=reach_mm,
            volume_ratio=volume_ratio,
        )
        image = slices[level : level + 1, :1]
        early = _painted(image, grown.before, grey)
        if pushes:
            late = warp(early, by_voxels=grown.back_voxels.to(early))
            known, det = grown.by_voxels.to(early), grown.determinant.to(early)
        else:
            late = _painted(image, grown.after, grey)
            known = torch.zeros_like(grown.by_voxels).to(early)
            det = torch.ones_like(grown.determinant).to(early)
        ring = _ring(grown, at, spacing_mm, reach_mm)
        ratio = grown.after.sum() / grown.before.sum()
        scans = [
            one + noise * torch.from_numpy(rng.normal(size=one.shape)).to(one)
            for one in (early, late)
        ]
        parts.append([*scans, grown.before, grown.after, ring, known, det, ratio[None]])
    joined = [torch.cat(column) for column in zip(*parts, strict=True)]
    return GrownLesions(*joined[:-1], joined[-1].double().numpy())


def _painted(image: Tensor, mask: Tensor, grey: float) -> Tensor:
    return torch.where(mask[:, None], torch.full_like(image, grey), image)


def _deep_white(slices: Tensor) -> Tensor:
    """(places, 1 + dims): level and voxel of which white matter surrounds seven voxels."""
    white = slices[:, 2:3]
    pool = functional.avg_pool2d if white.ndim == 4 else functional.avg_pool3d
    return (pool(white, 7, stride=1, padding=3)[:, 0] > 0.7).nonzero()


def _ring(grown, at: list[int], spacing_mm: Sequence[float], reach_mm: float) -> Tensor:
    """Outside of both outlines, and within reach."""
    shape = [-1, *[1] * len(at)]
    away = np.indices(tuple(grown.before.shape[1:])) - np.reshape(at, shape)
    r = np.linalg.norm(away * np.reshape(spacing_mm, shape), axis=0)
    return torch.from_numpy(r <= reach_mm)[None] & ~grown.before & ~grown.after
