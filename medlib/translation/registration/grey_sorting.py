"""A registration that is worth nothing, and overlaps well.

Sort the voxels of both brains by their grey and send the k-th of one to the k-th of the other: as
black goes to black and white to white, so does fluid to fluid. Where anything lies plays no part.
A measure that praises such a map cannot judge a map.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medlib.translation.registration.displacement import identity_grid

__all__ = ["sort_greys"]


def sort_greys(
    fixed: Float[Tensor, "batch 1 *grid"],
    moving: Float[Tensor, "batch 1 *grid"],
    *,
    fixed_mask: Bool[Tensor, " batch *grid"],
    moving_mask: Bool[Tensor, " batch *grid"],
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement from each voxel of the fixed mask to the moving voxel of its rank.

    Args:
        fixed, moving: images of one grid.
        fixed_mask, moving_mask: which voxels are ranked; outside of the former nothing moves. Of
            masks of unlike size the rank counts as a share.

    Returns:
        u in voxels, always from one voxel's centre to another's.

    Raises:
        ValueError: shapes differ, or an empty mask.

    Example:
        >>> image = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
        >>> all_of_it = torch.ones(1, 4, 4, dtype=torch.bool)
        >>> turned = image.flip(2)
        >>> by = sort_greys(image, turned, fixed_mask=all_of_it, moving_mask=all_of_it)
        >>> by[0, 0, :, 0]                                     # every row to its mirror image
        tensor([ 3.,  1., -1., -3.])

    Source: Rohlfing (2012), doi:10.1109/TMI.2011.2163944.
    """
    if fixed.shape != moving.shape or fixed_mask.shape != moving_mask.shape:
        raise ValueError(f"fixed {tuple(fixed.shape)} and moving {tuple(moving.shape)} differ")
    if fixed_mask.shape != (len(fixed), *fixed.shape[2:]):
        raise ValueError(f"masks are {tuple(fixed_mask.shape)}: one voxel for each of the image's")
    if not (fixed_mask.flatten(1).any(dim=1) & moving_mask.flatten(1).any(dim=1)).all():
        raise ValueError("a mask is empty: nothing to rank")
    field = fixed.new_zeros(len(fixed), fixed.ndim - 2, *fixed.shape[2:])
    at = identity_grid(field)[0].flatten(1)  # (dims, voxels)
    found = field.flatten(2)
    for i in range(len(fixed)):
        here, there = (mask[i].flatten().nonzero()[:, 0] for mask in (fixed_mask, moving_mask))
        here = here[fixed[i].flatten()[here].argsort(stable=True)]
        there = there[moving[i].flatten()[there].argsort(stable=True)]
        rank = torch.arange(len(here), device=here.device) * len(there) // len(here)
        found[i][:, here] = at[:, there[rank]] - at[:, here]
    return found.reshape(field.shape)
