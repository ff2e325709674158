"""One field after another, and the field that leads back.

    (φ_b ∘ φ_a)(x) = φ_b(φ_a(x)) = x + u_a(x) + u_b(x + u_a(x))

Displacements do not add up: the second is to be read where the first has led. To warp an image by
φ_b ∘ φ_a is to warp it by φ_b first, and the result by φ_a.

The inverse w of u solves w(x) = -u(x + w(x)), and is found by putting a guess into the right-hand
side. That is sure to converge where u changes by less than a voxel from each voxel to the next;
where a field folds there is no inverse to converge to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.displacement import checked_field, inside, length_mm
from medlib.translation.registration.warp import warp

__all__ = ["Inversion", "compose", "inverse_consistency_mm", "invert"]


@dataclass(frozen=True, eq=False)
class Inversion:
    """An inverse, and how far it is from being one.

    Attributes:
        by_voxels: w, in voxels.
        residual_voxels: of each field, the largest |w(x) + u(x + w(x))| where x + w(x) lies inside.
        iterations: fixed-point steps that were made.
    """

    by_voxels: Float[Tensor, "batch dims *grid"]
    residual_voxels: Float[Tensor, " batch"]
    iterations: int


def compose(
    then: Float[Tensor, "batch dims *grid"], *, first: Float[Tensor, "batch dims *grid"]
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement of going by one field first, and from there by the other.

    Args:
        then: u_b, in voxels; read between voxels linearly, beyond the edge as on it.
        first: u_a, in voxels.

    Returns:
        The displacement of φ_b ∘ φ_a, in voxels.

    Raises:
        ValueError: no fields, or not of one shape.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
        >>> compose(down, first=down)[0, :, 0, 0]
        tensor([2., 0.])
    """
    if then.shape != first.shape:
        raise ValueError(f"then is {tuple(then.shape)} and first {tuple(first.shape)}: one shape")
    return first + warp(then, by_voxels=first)


@torch.no_grad()
def invert(
    by_voxels: Float[Tensor, "batch dims *grid"],
    *,
    iterations: int = 100,
    tolerance_voxels: float = 1e-4,
) -> Inversion:
    """Find the field that leads back, by w ← -u(x + w(x)) from w = 0; no gradient passes.

    It returns what it has when the iterations are used up: look at `residual_voxels`, which stays
    large where the field folds.

    Args:
        by_voxels: u.
        iterations: at most.
        tolerance_voxels: it ends when no voxel of any field changes by more.

    Raises:
        ValueError: no field, no iteration, or a tolerance that is not positive.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 5, 5)
        >>> found = invert(down)
        >>> found.by_voxels[0, :, 2, 2], found.residual_voxels
        (tensor([-1., -0.]), tensor([0.]))

    Source: Chen et al. (2008), doi:10.1118/1.2816107.
    """
    checked_field(by_voxels)
    if iterations < 1 or not tolerance_voxels > 0:
        raise ValueError(
            f"iterations={iterations}, tolerance_voxels={tolerance_voxels}: one or more, positive"
        )
    back = torch.zeros_like(by_voxels)
    done, change = 0, torch.inf
    while done < iterations and change > tolerance_voxels:
        last, back = back, -warp(by_voxels, by_voxels=back)
        change, done = float((back - last).abs().max()), done + 1
    left = torch.linalg.vector_norm(compose(by_voxels, first=back), dim=1)
    left = torch.where(inside(back), left, 0).flatten(1).amax(dim=1)
    return Inversion(back, left, done)


@torch.no_grad()
def inverse_consistency_mm(
    forward: Float[Tensor, "batch dims *grid"],
    *,
    backward: Float[Tensor, "batch dims *grid"],
    spacing_mm: Sequence[float],
) -> Float[Tensor, " batch *grid"]:
    """|φ(φ⁻¹(x)) - x|, in mm: how far there and back misses where it began.

    Args:
        forward: u of φ, in voxels.
        backward: of what is to be its inverse.
        spacing_mm: the voxel's side along each axis.

    Returns:
        0 = consistent; nan where φ⁻¹ leads out of the grid, of which nothing is known.

    Raises:
        ValueError: no fields, not of one shape, or no spacing of them.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 3, 3)
        >>> inverse_consistency_mm(down, backward=-0.5 * down, spacing_mm=(2.0, 2.0))[0, :, 0]
        tensor([nan, 1., 1.])

    Source: Christensen and Johnson (2001), doi:10.1109/42.932742.
    """
    missed = length_mm(compose(forward, first=backward), spacing_mm=spacing_mm)
    return torch.where(inside(backward), missed, torch.nan)
