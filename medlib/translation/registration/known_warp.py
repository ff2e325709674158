"""Smooth fields of a stated size, with their inverses, to warp real anatomy by: truth is known.

A velocity is white noise, smoothed by a Gaussian and scaled, and followed for one unit of time.
With one interval of time the truth is of the very model that a velocity network fits; with several
it is not, and no stationary velocity reaches it. Say which: a method that is only ever tested on
fields of its own kind is tested on its own assumption.

An image that is warped by a known field has the anatomy of its template. It is no other patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from torch import Tensor

from medlib.translation.registration.displacement import checked_spacing
from medlib.translation.registration.time_dependent_velocity import flow_in_time, reversed_in_time

__all__ = ["KnownWarp", "known_warp", "random_velocities"]


@dataclass(frozen=True, eq=False)
class KnownWarp:
    """Fields, in voxels, single precision.

    Attributes:
        velocities: of each interval of time.
        by_voxels: u of φ.
        back_voxels: u of φ⁻¹, by following the velocities back.
    """

    velocities: Float[Tensor, "times n dims *grid"]
    by_voxels: Float[Tensor, "n dims *grid"]
    back_voxels: Float[Tensor, "n dims *grid"]


def random_velocities(
    n: int,
    *,
    grid: Sequence[int],
    spacing_mm: Sequence[float],
    smoothness_mm: float,
    largest_mm: float,
    rng: np.random.Generator,
    times: int = 1,
    margin_mm: float = 0.0,
) -> Float[Tensor, "times n dims *grid"]:
    """Draw velocities of one smoothness and one size.

    Args:
        n: fields.
        grid: voxels along each axis.
        spacing_mm: the voxel's side along each axis.
        smoothness_mm: standard deviation of the Gaussian; neighbours this far apart move alike.
        largest_mm: the greatest |v| of each field, in mm per unit of time, over all its intervals:
            no voxel goes further.
        rng: draws the noise.
        times: intervals of time, each drawn by itself.
        margin_mm: within this of the edge v fades to zero, so that nothing leaves the grid.

    Returns:
        in voxels per unit of time, single precision.

    Raises:
        ValueError: a number that is not positive (`largest_mm` and `margin_mm` may be 0).

    Example:
        >>> v = random_velocities(2, grid=(32, 32), spacing_mm=(2.0, 2.0), smoothness_mm=8.0,
        ...                       largest_mm=5.0, rng=np.random.default_rng(0))
        >>> v.shape, round(float(torch.linalg.vector_norm(2 * v[0, 1], dim=0).max()), 3)
        (torch.Size([1, 2, 2, 32, 32]), 5.0)

    Source: Arsigny et al. (2006), doi:10.1007/11866565_113, on exponentials of such fields.
    """
    grid, dims = tuple(grid), len(grid)
    sides = np.array(checked_spacing(spacing_mm, dims=dims))
    if n < 1 or times < 1 or not smoothness_mm > 0 or not min(largest_mm, margin_mm) >= 0:
        raise ValueError(
            f"n={n}, times={times}, smoothness_mm={smoothness_mm}, largest_mm={largest_mm},"
            f" margin_mm={margin_mm}: positive, and the last two not negative"
        )
    noise = rng.normal(size=(n, times, dims, *grid))
    sd = (0, 0, 0, *(smoothness_mm / sides))
    field = gaussian_filter(noise, sd, mode="reflect") * _fading(grid, sides, margin_mm)
    lengths = np.linalg.norm(field, axis=2).max(axis=(1, *range(2, 2 + dims)))
    scale = largest_mm / np.maximum(lengths, np.finfo(float).tiny)
    voxels = field * scale.reshape(n, 1, 1, *[1] * dims) / sides.reshape(dims, *[1] * dims)
    return torch.from_numpy(voxels.swapaxes(0, 1).astype(np.float32))


def known_warp(velocities: Float[Tensor, "times n dims *grid"], *, steps: int = 16) -> KnownWarp:
    """Follow velocities there and back, by Runge and Kutta's rule.

    To simulate that an image I looked otherwise, warp it: J = I ∘ φ. Whoever registers J, fixed, to
    I, moving, should find φ; the other way round φ⁻¹, and labels go with the images.

    Args:
        velocities: as drawn above.
        steps: in each interval of time.

    Returns:
        of φ⁻¹ what is followed, not what is fitted: `inverse_consistency_mm` says how exact it is.

    Raises:
        ValueError: no velocities, or no step.

    Example:
        >>> v = random_velocities(1, grid=(24, 24), spacing_mm=(1.0, 1.0), smoothness_mm=4.0,
        ...                       largest_mm=2.0, rng=np.random.default_rng(0), margin_mm=4.0)
        >>> from medlib.translation.registration.composition import compose
        >>> found = known_warp(v)
        >>> missed = compose(found.by_voxels, first=found.back_voxels)
        >>> bool(missed.square().mean().sqrt() < 0.02)                # voxels
        True
    """
    there = flow_in_time(velocities, steps=steps)
    back = flow_in_time(reversed_in_time(velocities), steps=steps)
    return KnownWarp(velocities, there, back)


def _fading(grid: tuple[int, ...], sides: np.ndarray, margin_mm: float) -> np.ndarray:
    """One inside, and smoothly to zero at the edge."""
    fading = np.ones(grid)
    if margin_mm == 0:
        return fading
    for axis, (n, side) in enumerate(zip(grid, sides, strict=True)):
        at = np.arange(n)
        part = np.clip(np.minimum(at, n - 1 - at) * side / margin_mm, 0, 1)
        fading *= (part**2 * (3 - 2 * part)).reshape(
            [n if a == axis else 1 for a in range(len(grid))]
        )
    return fading
