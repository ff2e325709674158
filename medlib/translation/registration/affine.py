"""Rigid and affine maps: one matrix and one shift for the whole image.

    φ(x) = c + A (x - c) + t,  in mm, c the centre of the grid

A rigid map turns and shifts, A = exp(Ω) with Ω antisymmetric: one angle in the plane, three in
space. An affine one stretches and shears as well, A = exp(M) with any M, and so never turns an
image inside out. Neither can follow what changes in one place only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.displacement import (
    checked_spacing,
    identity_grid,
    to_mm,
    to_voxels,
)
from medlib.translation.registration.resolutions import checked_factors, coarsened
from medlib.translation.registration.similarity import LOSSES, Loss
from medlib.translation.registration.warp import warp

__all__ = ["KINDS", "AffineFit", "affine_displacement", "fit_affine", "rotation"]

KINDS = ("rigid", "affine")


@dataclass(frozen=True, eq=False)
class AffineFit:
    """The map that was found.

    Attributes:
        matrix: A.
        shift_mm: t.
        by_voxels: its displacement, in voxels.
        loss: at the end, of each pair.
        evaluations: of the loss, over all resolutions.
    """

    matrix: Float[Tensor, "batch dims dims"]
    shift_mm: Float[Tensor, "batch dims"]
    by_voxels: Float[Tensor, "batch dims *grid"]
    loss: Float[Tensor, " batch"]
    evaluations: int


def rotation(angles_rad: Float[Tensor, "batch angles"]) -> Float[Tensor, "batch dims dims"]:
    """exp(Ω): one angle turns rows towards columns; three turn about the axes i, j, k.

    Raises:
        ValueError: neither one angle nor three.

    Example:
        >>> rotation(torch.tensor([[torch.pi / 2]])).round(decimals=3)
        tensor([[[ 0., -1.],
                 [ 1.,  0.]]])
    """
    n = angles_rad.shape[1]
    if n not in (1, 3):
        raise ValueError(f"{n} angles: one in the plane, three in space")
    a, zero = angles_rad.unbind(dim=1), torch.zeros_like(angles_rad[:, 0])
    if n == 1:
        rows = [[zero, -a[0]], [a[0], zero]]
    else:
        rows = [[zero, -a[2], a[1]], [a[2], zero, -a[0]], [-a[1], a[0], zero]]
    return torch.linalg.matrix_exp(torch.stack([torch.stack(row, dim=1) for row in rows], dim=1))


def affine_displacement(
    matrix: Float[Tensor, "batch dims dims"],
    *,
    shift_mm: Float[Tensor, "batch dims"],
    grid: Sequence[int],
    spacing_mm: Sequence[float],
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement of c + A (x - c) + t, in voxels.

    Args:
        matrix: A, which acts on millimetres.
        shift_mm: t.
        grid: voxels along each axis.
        spacing_mm: the voxel's side along each axis.

    Raises:
        ValueError: as many axes as the matrix has are not given.

    Example:
        >>> double = 2 * torch.eye(2)[None]
        >>> by = affine_displacement(
        ...     double, shift_mm=torch.zeros(1, 2), grid=(3, 3), spacing_mm=(1.0, 1.0))
        >>> by[0, 0, :, 0]
        tensor([-1.,  0.,  1.])
    """
    dims = matrix.shape[-1]
    if len(grid) != dims:
        raise ValueError(f"grid={tuple(grid)}: {dims} axes, as the matrix has")
    like = matrix.new_zeros(len(matrix), dims, *grid)
    ends = torch.tensor([n - 1 for n in grid]).to(matrix).reshape(1, -1, *[1] * dims)
    x_mm = to_mm(identity_grid(like) - ends / 2, spacing_mm=spacing_mm)
    change = matrix - torch.eye(dims).to(matrix)
    moved = torch.einsum("bde,ze...->bd...", change, x_mm)
    return to_voxels(moved + shift_mm.reshape(-1, dims, *[1] * dims), spacing_mm=spacing_mm)


def fit_affine(
    fixed: Float[Tensor, "batch 1 *grid"],
    moving: Float[Tensor, "batch 1 *grid"],
    *,
    spacing_mm: Sequence[float],
    kind: str = "affine",
    loss: Loss = LOSSES["correlation"],
    factors: Sequence[int] = (4, 2, 1),
    iterations: int = 50,
) -> AffineFit:
    """Find the map under which the moving images look like the fixed ones, from coarse to fine.

    L-BFGS with a line search; it ends a resolution when nothing is gained. The pairs of a batch
    share their steps: for the answer that a pair has alone, hand it in alone.

    Args:
        fixed, moving: images of one grid; where φ leads outside, the edge is repeated.
        spacing_mm: the voxel's side along each axis.
        kind: one of `KINDS`.
        loss: of (warped, fixed), one number a pair; one of `LOSSES`, or your own.
        factors: how coarse, from coarse to fine, and 1 in the end.
        iterations: at most, at each resolution.

    Returns:
        a local minimum: from far away it may be the wrong one.

    Raises:
        ValueError: shapes differ, an unknown kind, or sides that cannot be made coarse.

    Example:
        >>> y, x = torch.meshgrid(*[torch.linspace(-1, 1, 16)] * 2, indexing="ij")
        >>> def blob(at): return torch.exp(-4 * ((y - at) ** 2 + 2 * x**2))[None, None]
        >>> found = fit_affine(blob(0.0), blob(0.2), spacing_mm=(1.0, 1.0), kind="rigid",
        ...                    factors=(1,), iterations=10)
        >>> round(float(found.shift_mm[0, 0]), 1)                # 0.2 of 7.5 mm
        1.5

    Source: of the exponential of a matrix as a parameter, Alexa (2002), doi:10.1145/566654.566592.
    """
    if fixed.shape != moving.shape:
        raise ValueError(f"fixed {tuple(fixed.shape)} and moving {tuple(moving.shape)} differ")
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: one of {', '.join(KINDS)}")
    batch, dims, grid = len(fixed), fixed.ndim - 2, fixed.shape[2:]
    factors = checked_factors(factors, grid=grid)
    sides = checked_spacing(spacing_mm, dims=dims)
    turns = dims * dims if kind == "affine" else (1 if dims == 2 else 3)
    # a shift by this and a turn by one radian move about equally much
    reach_mm = max(n * side for n, side in zip(grid, sides, strict=True)) / 2
    numbers = fixed.new_zeros(batch, turns + dims).requires_grad_()

    def read() -> tuple[Tensor, Tensor]:
        turn, shift = numbers[:, :turns], numbers[:, turns:] * reach_mm
        if kind == "rigid":
            return rotation(turn), shift
        return torch.linalg.matrix_exp(turn.reshape(batch, dims, dims)), shift

    evaluations = 0
    for factor in factors:
        still, moved = (coarsened(image, factor=factor) for image in (fixed, moving))
        coarse = {"grid": still.shape[2:], "spacing_mm": [factor * side for side in sides]}
        search = torch.optim.LBFGS([numbers], max_iter=iterations, line_search_fn="strong_wolfe")

        def again(still=still, moved=moved, coarse=coarse, search=search) -> Tensor:
            nonlocal evaluations
            evaluations += 1
            search.zero_grad()
            matrix, shift = read()
            by = affine_displacement(matrix, shift_mm=shift, **coarse)
            value = loss(warp(moved, by_voxels=by), still).sum()
            value.backward()
            return value

        search.step(again)
    with torch.no_grad():
        matrix, shift = read()
        by = affine_displacement(matrix, shift_mm=shift, grid=grid, spacing_mm=sides)
        left = loss(warp(moving, by_voxels=by), fixed)
    return AffineFit(matrix, shift, by, left, evaluations)
