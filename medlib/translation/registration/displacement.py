"""A displacement field says, for each voxel of the fixed image, where in the moving one to look.

    φ(x) = x + u(x)

x counts voxels from the centre of the first one. u has one channel for each axis of the grid, in
the order of the axes, (row, column) or (i, j, k), and never (x, y). Whatever is computed here is
computed in voxels, a velocity too (voxels per unit of time); millimetres stand in the names of what
is given in millimetres. A field whose channels are in another order is warped by without complaint,
and wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = [
    "checked_field",
    "checked_spacing",
    "identity_grid",
    "inside",
    "last_voxel",
    "length_mm",
    "to_mm",
    "to_voxels",
]


def identity_grid(field: Float[Tensor, "batch dims *grid"]) -> Float[Tensor, "1 dims *grid"]:
    """The position of every voxel of a field's grid, in voxels: φ for u = 0.

    Example:
        >>> identity_grid(torch.zeros(1, 2, 2, 3))[0, 1]
        tensor([[0., 1., 2.],
                [0., 1., 2.]])
    """
    axes = [torch.arange(n, dtype=field.dtype, device=field.device) for n in field.shape[2:]]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]


def last_voxel(field: Float[Tensor, "batch dims *grid"]) -> Float[Tensor, "1 dims *ones"]:
    """The position of the last voxel along each axis of a field's grid.

    Example:
        >>> last_voxel(torch.zeros(1, 2, 2, 3)).flatten()
        tensor([1., 2.])
    """
    last = torch.tensor([n - 1 for n in field.shape[2:]]).to(field)
    return last.reshape(1, -1, *[1] * (field.ndim - 2))


def checked_field(field: Tensor, *, name: str = "by_voxels") -> Tensor:
    """The field itself, if it is one.

    Raises:
        ValueError: it is not (batch, 2, rows, columns) or (batch, 3, i, j, k), its numbers are no
            floating-point numbers, or an axis has a single voxel, between which and nothing else
            cannot be interpolated.

    Example:
        >>> checked_field(torch.zeros(1, 3, 4, 4))
        Traceback (most recent call last):
        ...
        ValueError: by_voxels is (1, 3, 4, 4): one channel for each axis, (batch, 2, rows, ...
    """
    dims = field.ndim - 2
    if dims not in (2, 3) or field.shape[1] != dims:
        raise ValueError(
            f"{name} is {tuple(field.shape)}: one channel for each axis, (batch, 2, rows, columns)"
            " or (batch, 3, i, j, k)"
        )
    if not field.is_floating_point():
        raise ValueError(f"{name} holds {field.dtype}: parts of a voxel need floating point")
    if min(field.shape[2:]) < 2:
        raise ValueError(f"{name} is {tuple(field.shape)}: each axis needs two voxels or more")
    return field


def checked_spacing(spacing_mm: Sequence[float], *, dims: int) -> tuple[float, ...]:
    """The voxel's side along each axis, in mm.

    Raises:
        ValueError: not one positive, finite number for each axis.

    Example:
        >>> checked_spacing((1, 2.5), dims=2)
        (1.0, 2.5)
    """
    sides = np.asarray(spacing_mm, dtype=float)
    if sides.shape != (dims,) or not (np.isfinite(sides) & (sides > 0)).all():
        raise ValueError(
            f"spacing_mm = {spacing_mm} must hold {dims} positive numbers, one for each axis"
        )
    return tuple(float(side) for side in sides)


def to_mm(
    by_voxels: Float[Tensor, "batch dims *grid"], *, spacing_mm: Sequence[float]
) -> Float[Tensor, "batch dims *grid"]:
    """A field of voxels as one of millimetres, channel by channel.

    Args:
        by_voxels: a displacement or a velocity.
        spacing_mm: the voxel's side along each axis.

    Raises:
        ValueError: no field, or no spacing of it.

    Example:
        >>> to_mm(torch.ones(1, 2, 2, 2), spacing_mm=(1.0, 3.0))[0, :, 0, 0]
        tensor([1., 3.])
    """
    checked_field(by_voxels)
    return by_voxels * _sides(by_voxels, spacing_mm)


def to_voxels(
    by_mm: Float[Tensor, "batch dims *grid"], *, spacing_mm: Sequence[float]
) -> Float[Tensor, "batch dims *grid"]:
    """The inverse of `to_mm`.

    Raises:
        ValueError: no field, or no spacing of it.

    Example:
        >>> to_voxels(torch.ones(1, 2, 2, 2), spacing_mm=(1.0, 4.0))[0, :, 0, 0]
        tensor([1.0000, 0.2500])
    """
    checked_field(by_mm, name="by_mm")
    return by_mm / _sides(by_mm, spacing_mm)


def length_mm(
    by_voxels: Float[Tensor, "batch dims *grid"], *, spacing_mm: Sequence[float]
) -> Float[Tensor, " batch *grid"]:
    """How far each voxel goes, in mm: |u(x)|.

    Raises:
        ValueError: no field, or no spacing of it.

    Example:
        >>> by = torch.tensor([3.0, 2.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)
        >>> length_mm(by, spacing_mm=(1.0, 2.0))[0, 0, 0]
        tensor(5.)
    """
    return torch.linalg.vector_norm(to_mm(by_voxels, spacing_mm=spacing_mm), dim=1)


def inside(by_voxels: Float[Tensor, "batch dims *grid"]) -> Bool[Tensor, " batch *grid"]:
    """True where x + u(x) lies between the first and the last voxel of every axis.

    Outside them nothing was measured: what a law says of fields is tested inside only.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 3, 2)
        >>> inside(down)[0, :, 0]
        tensor([ True,  True, False])
    """
    checked_field(by_voxels)
    where = identity_grid(by_voxels) + by_voxels
    return ((where >= 0) & (where <= last_voxel(where))).all(dim=1)


def _sides(field: Tensor, spacing_mm: Sequence[float]) -> Tensor:
    sides = checked_spacing(spacing_mm, dims=field.shape[1])
    return torch.tensor(sides).to(field).reshape(1, -1, *[1] * (field.ndim - 2))
