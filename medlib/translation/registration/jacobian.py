"""The Jacobian of a map: how much each voxel grows, and where the map folds.

    J(x) = I + ∂u/∂x,  det J > 1 where φ spreads out, 0 < det J < 1 where it draws together,
    det J ≤ 0 where it folds

φ goes from the fixed image to the moving one: det J is the volume in the moving image over that in
the fixed one. With voxels of any shape det J is the same in voxels and in mm.

By central differences, as is usual, det J at a voxel does not depend on where that voxel goes: a
single voxel that is thrown across its neighbours is not seen. The differences from one corner of a
cell to the next see it. In the plane they settle the matter: det J of the map that is interpolated
linearly in a cell is itself linear there, so it is positive everywhere if and only if it is
positive in all four corners. In space eight corners are necessary, and not quite sufficient.
"""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medlib.translation.registration.displacement import checked_field

__all__ = [
    "corner_determinants",
    "folded_share",
    "jacobian_determinant",
    "log_jacobian",
    "volume_ratio",
]

DIFFERENCES = ("corners", "central")


def jacobian_determinant(
    by_voxels: Float[Tensor, "batch dims *grid"],
) -> Float[Tensor, " batch *grid"]:
    """det J at every voxel, by central differences, on the edge by one-sided ones.

    Args:
        by_voxels: u, in voxels.

    Returns:
        volume in the moving image over volume in the fixed one; not positive where it folds.

    Raises:
        ValueError: no field.

    Example:
        >>> at = torch.arange(4.0) / 2                             # half as long again, down
        >>> by = torch.stack([at[:, None].expand(4, 4), torch.zeros(4, 4)])[None]
        >>> jacobian_determinant(by)[0, 0, 0]
        tensor(1.5000)

    Source: Ashburner and Friston (2000), doi:10.1006/nimg.2000.0582, on what it says of tissue.
    """
    dims = checked_field(by_voxels).shape[1]
    slopes = torch.gradient(by_voxels, dim=list(range(2, dims + 2)))
    return _determinant(torch.stack(slopes, dim=2))


def corner_determinants(
    by_voxels: Float[Tensor, "batch dims *grid"],
) -> Float[Tensor, "batch corners *cells"]:
    """det J in each corner of each cell, whose corners are 2^D neighbouring voxels.

    Args:
        by_voxels: u, in voxels.

    Returns:
        2^D corners, in the order of counting; one cell less than voxels along each axis.

    Raises:
        ValueError: no field.

    Example:
        >>> by = torch.zeros(1, 2, 3, 3)
        >>> by[0, 0, 1, 1] = 1.5                     # the middle voxel is thrown over the next one
        >>> float(jacobian_determinant(by)[0, 1, 1]), float(corner_determinants(by).min())
        (1.0, -0.5)

    Source: Liu et al. (2022), doi:10.48550/arXiv.2212.06060.
    """
    dims = checked_field(by_voxels).shape[1]
    edges = []
    for axis in range(dims):
        edges.append(by_voxels.diff(dim=axis + 2))
    corners = []
    for corner in product((0, 1), repeat=dims):
        slopes = []
        for axis, edge in enumerate(edges):
            for other, side in enumerate(corner):
                if other != axis:
                    edge = edge.narrow(other + 2, side, edge.shape[other + 2] - 1)
            slopes.append(edge)
        corners.append(_determinant(torch.stack(slopes, dim=2)))
    return torch.stack(corners, dim=1)


def folded_share(
    by_voxels: Float[Tensor, "batch dims *grid"],
    *,
    mask: Bool[Tensor, " batch *grid"] | None = None,
    differences: str = "corners",
) -> Float[Tensor, " batch"]:
    """The share of a field that folds, counted inside a mask.

    Args:
        by_voxels: u, in voxels.
        mask: of the fixed image, such as the brain; None counts everything.
        differences: "corners" counts cells of which a corner has det J ≤ 0, of the cells with all
            corners inside the mask; "central" counts voxels, as is usual, and misses folds.

    Returns:
        between 0 and 1; nan where the mask holds nothing to count.

    Raises:
        ValueError: no field, unknown differences.

    Example:
        >>> by = torch.zeros(1, 2, 5, 5)
        >>> by[0, 0, 2, 2] = 1.5
        >>> [float(folded_share(by, differences=d)) for d in DIFFERENCES]
        [0.125, 0.0]
    """
    if differences not in DIFFERENCES:
        raise ValueError(f"differences={differences!r}: one of {', '.join(DIFFERENCES)}")
    if mask is None:
        mask = torch.ones_like(by_voxels[:, 0], dtype=torch.bool)
    if differences == "central":
        folded = jacobian_determinant(by_voxels) <= 0
    else:
        folded = (corner_determinants(by_voxels) <= 0).any(dim=1)
        for axis in range(1, mask.ndim):
            many = mask.shape[axis] - 1
            mask = mask.narrow(axis, 0, many) & mask.narrow(axis, 1, many)
    return (folded & mask).flatten(1).sum(dim=1) / mask.flatten(1).sum(dim=1)


def log_jacobian(
    by_voxels: Float[Tensor, "batch dims *grid"],
) -> Float[Tensor, " batch *grid"]:
    """ln det J by central differences: doubling and halving lie equally far from 0.

    Returns:
        0 = as large as before; nan where det J is not positive. Count those (`folded_share`)
        before you leave them out.

    Raises:
        ValueError: no field.

    Example:
        >>> log_jacobian(torch.zeros(1, 2, 2, 2)).abs().max()
        tensor(0.)

    Source: Leow et al. (2007), doi:10.1109/TMI.2007.892646.
    """
    det = jacobian_determinant(by_voxels)
    return torch.where(det > 0, det, torch.nan).log()


def volume_ratio(
    by_voxels: Float[Tensor, "batch dims *grid"], *, mask: Bool[Tensor, " batch *grid"]
) -> Float[Tensor, " batch"]:
    """The mean of det J over a mask: its volume in the moving image over that in the fixed one.

    Args:
        by_voxels: u from the fixed image, earlier, to the moving one, later: 1.2 is a growth by a
            fifth.
        mask: of the fixed image, such as a lesion's outline.

    Returns:
        nan where the mask is empty.

    Raises:
        ValueError: no field.

    Example:
        >>> at = torch.arange(4.0) / 2
        >>> by = torch.stack([at[:, None].expand(4, 4), torch.zeros(4, 4)])[None]
        >>> volume_ratio(by, mask=torch.ones(1, 4, 4, dtype=torch.bool))
        tensor([1.5000])
    """
    det = jacobian_determinant(by_voxels)
    return (det * mask).flatten(1).sum(dim=1) / mask.flatten(1).sum(dim=1)


def _determinant(slopes: Float[Tensor, "batch dims axes *places"]) -> Tensor:
    """det(I + ∂u_d/∂x_a), written out."""
    dims = slopes.shape[1]
    j = [[slopes[:, d, a] + (d == a) for a in range(dims)] for d in range(dims)]
    if dims == 2:
        return j[0][0] * j[1][1] - j[0][1] * j[1][0]
    return (
        j[0][0] * (j[1][1] * j[2][2] - j[1][2] * j[2][1])
        - j[0][1] * (j[1][0] * j[2][2] - j[1][2] * j[2][0])
        + j[0][2] * (j[1][0] * j[2][1] - j[1][1] * j[2][0])
    )
