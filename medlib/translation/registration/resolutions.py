"""Images made coarse and fields made fine: large displacements are found where they are small.

A coarse voxel is the mean of f voxels along each axis, so its centre lies between theirs, and a
displacement of one coarse voxel is one of f fine ones: a field that is only interpolated when it is
refined is too short by that factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

__all__ = ["checked_factors", "coarsened", "refined"]


def checked_factors(factors: Sequence[int], *, grid: Sequence[int]) -> tuple[int, ...]:
    """How coarse the resolutions are, from coarse to fine.

    Raises:
        ValueError: none; they do not fall, or do not end at 1; or a side is no multiple of one of
            them, or would shrink below four voxels.

    Example:
        >>> checked_factors([4, 2, 1], grid=(96, 64))
        (4, 2, 1)
    """
    factors = tuple(factors)
    falling = all(a > b for a, b in pairwise(factors))
    if not factors or factors[-1] != 1 or not falling:
        raise ValueError(f"factors={factors}: from coarse to fine, and 1 in the end, as (4, 2, 1)")
    for side in grid:
        for factor in factors:
            if side % factor or (factor > 1 and side // factor < 4):
                raise ValueError(
                    f"a side of {side} voxels cannot be made {factor} times coarser: crop or pad it"
                    " to a multiple, of four coarse voxels or more"
                )
    return factors


def coarsened(
    images: Float[Tensor, "batch channels *grid"], *, factor: int
) -> Float[Tensor, "batch channels *coarse"]:
    """The mean of each block of voxels.

    Args:
        images: their sides are multiples of the factor.
        factor: voxels along each axis of a block.

    Example:
        >>> import torch
        >>> coarsened(torch.arange(16.0).reshape(1, 1, 4, 4), factor=2)[0, 0]
        tensor([[ 2.5000,  4.5000],
                [10.5000, 12.5000]])
    """
    if factor == 1:
        return images
    pool = functional.avg_pool2d if images.ndim == 4 else functional.avg_pool3d
    return pool(images, factor)


def refined(
    fields: Float[Tensor, "batch channels *coarse"], *, factor: int
) -> Float[Tensor, "batch channels *grid"]:
    """A displacement or a velocity on a finer grid, in voxels of that grid.

    Args:
        fields: in coarse voxels.
        factor: fine voxels along each axis of a coarse one.

    Returns:
        interpolated linearly between coarse centres, and `factor` times as long.

    Example:
        >>> import torch
        >>> refined(torch.ones(1, 2, 4, 4), factor=2)[0, 0, 0, :3]
        tensor([2., 2., 2.])
    """
    if factor == 1:
        return fields
    mode = "bilinear" if fields.ndim == 4 else "trilinear"
    grid = [n * factor for n in fields.shape[2:]]
    return factor * functional.interpolate(fields, size=grid, mode=mode, align_corners=False)
