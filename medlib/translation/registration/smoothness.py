"""What a field costs that is not smooth: the term of a registration that holds back.

Both energies are means over voxels, of a field in mm differentiated by mm. The first charges for
any change of the displacement, a magnification or a rotation too; the second for its bending only,
so that an affine map is free.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.displacement import checked_field, checked_spacing, to_mm

__all__ = ["bending_energy", "diffusion_energy"]


def diffusion_energy(
    by_voxels: Float[Tensor, "batch dims *grid"], *, spacing_mm: Sequence[float] | None = None
) -> Float[Tensor, " batch"]:
    """Σ_d Σ_a mean (∂u_d/∂x_a)², by differences between neighbours; a pure number.

    Args:
        by_voxels: a displacement or a velocity, in voxels.
        spacing_mm: the voxel's side along each axis; None stands for cubes, of any size.

    Raises:
        ValueError: no field, or no spacing of it.

    Example:
        >>> down = torch.arange(4.0)[:, None].expand(4, 4) / 2
        >>> diffusion_energy(torch.stack([down, torch.zeros(4, 4)])[None])
        tensor([0.2500])

    Source: Balakrishnan et al. (2019), doi:10.1109/TMI.2019.2897538.
    """
    field, sides = _in_mm(by_voxels, spacing_mm)
    slopes = (field.diff(dim=a + 2) / side for a, side in enumerate(sides))
    return sum(_mean_square(slope) for slope in slopes)


def bending_energy(
    by_voxels: Float[Tensor, "batch dims *grid"], *, spacing_mm: Sequence[float] | None = None
) -> Float[Tensor, " batch"]:
    """Σ_d Σ_ab mean (∂²u_d/∂x_a∂x_b)², by differences of differences; in mm⁻².

    Args:
        by_voxels: a displacement or a velocity, in voxels; three voxels or more along each axis.
        spacing_mm: the voxel's side along each axis; None stands for cubes of 1 mm.

    Returns:
        0 for every affine field.

    Raises:
        ValueError: no field, no spacing of it, or an axis too short to bend.

    Example:
        >>> down = torch.arange(4.0)[:, None].expand(4, 4)
        >>> field = torch.stack([down**2 / 2, down.mT])[None]
        >>> bending_energy(field), bending_energy(field, spacing_mm=(2.0, 2.0))
        (tensor([1.]), tensor([0.2500]))

    Source: Rueckert et al. (1999), doi:10.1109/42.796284.
    """
    field, sides = _in_mm(by_voxels, spacing_mm)
    if min(field.shape[2:]) < 3:
        raise ValueError(f"a field of {tuple(field.shape)}: it bends over three voxels or more")
    energy = torch.zeros_like(field[:, 0].flatten(1)[:, 0])
    for a, side in enumerate(sides):
        slope = field.diff(dim=a + 2) / side
        for b in range(a, len(sides)):
            both = 1 if a == b else 2  # ∂a∂b and ∂b∂a
            energy = energy + both * _mean_square(slope.diff(dim=b + 2) / sides[b])
    return energy


def _in_mm(by_voxels: Tensor, spacing_mm: Sequence[float] | None) -> tuple[Tensor, tuple]:
    dims = checked_field(by_voxels).shape[1]
    if spacing_mm is None:
        return by_voxels, (1.0,) * dims
    return to_mm(by_voxels, spacing_mm=spacing_mm), checked_spacing(spacing_mm, dims=dims)


def _mean_square(slope: Tensor) -> Tensor:
    """The sum over channels of the mean over voxels."""
    return slope.square().sum(dim=1).flatten(1).mean(dim=1)
