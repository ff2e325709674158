"""Known warps that no velocity made: cubic splines over a coarse lattice.

    u(x) = Σ_k c_k β³(x/h - k)

with random c_k on a lattice of spacing h. A method that fits velocities is at home among flows, one
that fits displacements or splines among these: a comparison needs both. The field is made small
enough that it changes by less than `steepest` < 1 from place to place. Then φ is one-to-one, and
its inverse is found by putting a guess in again and again, which is sure to converge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.composition import invert
from medlib.translation.registration.displacement import checked_spacing

__all__ = ["SplineWarp", "spline_warp"]


@dataclass(frozen=True, eq=False)
class SplineWarp:
    """Fields, in voxels, single precision.

    Attributes:
        by_voxels: u of φ.
        back_voxels: u of φ⁻¹.
        residual_voxels: of each, how far the inverse is from being one, at most.
    """

    by_voxels: Float[Tensor, "n dims *grid"]
    back_voxels: Float[Tensor, "n dims *grid"]
    residual_voxels: Float[Tensor, " n"]


def spline_warp(
    n: int,
    *,
    grid: Sequence[int],
    spacing_mm: Sequence[float],
    lattice_mm: float,
    largest_mm: float,
    rng: np.random.Generator,
    steepest: float = 0.8,
) -> SplineWarp:
    """Draw displacements of one size, and their inverses.

    Args:
        n: fields.
        grid: voxels along each axis.
        spacing_mm: the voxel's side along each axis.
        lattice_mm: h, the distance between control points; one too near the edge stays at zero, so
            that nothing moves there.
        largest_mm: the greatest |u| of each field, or less where it would be too steep.
        rng: draws the c_k.
        steepest: the greatest slope, the largest singular value of ∂u/∂x by the differences between
            neighbours, 0 < x < 1.

    Raises:
        ValueError: a number that is not positive, `steepest` not below 1, or a lattice too wide to
            have a control point that may move.

    Example:
        >>> found = spline_warp(2, grid=(32, 32), spacing_mm=(2.0, 2.0), lattice_mm=10.0,
        ...                     largest_mm=3.0, rng=np.random.default_rng(0))
        >>> found.by_voxels.shape, bool(found.residual_voxels.max() < 1e-3)
        (torch.Size([2, 2, 32, 32]), True)

    Source: Rueckert et al. (1999), doi:10.1109/42.796284, on such fields; Choi and Lee (2000),
    doi:10.1006/gmod.1999.0511, on when they are one-to-one.
    """
    grid, dims = tuple(grid), len(tuple(grid))
    sides = np.array(checked_spacing(spacing_mm, dims=dims))
    if n < 1 or not min(lattice_mm, largest_mm) > 0 or not 0 < steepest < 1:
        raise ValueError(
            f"n={n}, lattice_mm={lattice_mm}, largest_mm={largest_mm}, steepest={steepest}:"
            " positive, and the last below 1"
        )
    bases = [_basis(many, lattice_mm / side) for many, side in zip(grid, sides, strict=True)]
    if min(basis.shape[1] for basis in bases) < 1:
        raise ValueError(f"lattice_mm={lattice_mm}: no control point of it may move on this grid")
    field = rng.normal(size=(n, dims, *(basis.shape[1] for basis in bases)))
    for axis, basis in enumerate(bases, start=2):
        field = np.moveaxis(np.tensordot(field, basis, axes=(axis, 1)), -1, axis)
    longest = np.linalg.norm(field, axis=1).reshape(n, -1).max(axis=1)
    field = field * (largest_mm / longest).reshape(n, 1, *[1] * dims)
    field = field / sides.reshape(dims, *[1] * dims)
    scale = np.minimum(1.0, steepest / np.maximum(_slope(field, sides), 1e-12))
    by = torch.from_numpy((field * scale.reshape(n, 1, *[1] * dims)).astype(np.float32))
    found = invert(by, iterations=400)
    return SplineWarp(by, found.by_voxels, found.residual_voxels)


def _basis(voxels: int, step: float) -> Float[np.ndarray, "voxels points"]:
    """β³ of each voxel's distance from each control point whose support lies inside the grid."""
    last = voxels - 1
    points = np.arange(2 * step, last - 2 * step + 1e-9, step)
    points = points + (last - 2 * step - points[-1]) / 2 if len(points) else points
    t = np.abs(np.arange(voxels)[:, None] - points) / step
    return np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6)


def _slope(field: np.ndarray, sides: np.ndarray) -> Float[np.ndarray, " n"]:
    """Of each field, the largest singular value of its Jacobian matrix in mm, over all voxels."""
    mm = field * sides.reshape(-1, *[1] * len(sides))
    slopes = np.gradient(mm, *sides, axis=tuple(range(2, field.ndim)))
    matrices = np.moveaxis(np.stack(slopes, axis=2), (1, 2), (-2, -1))
    return np.linalg.norm(matrices, ord=2, axis=(-2, -1)).reshape(len(field), -1).max(axis=1)
