"""Warping: every voxel of the result looks up its value in the image, where its displacement says.

    (I ∘ φ)(x) = I(x + u(x))

by linear interpolation between the 2^D voxels around x + u(x). It pulls: no voxel of the result is
left empty, and none is filled twice.

torch's `grid_sample` does the same, with positions from -1 to 1. With `align_corners=True` voxel i
of n lies there at 2 i / (n - 1) - 1, without it at (2 i + 1) / n - 1: whoever takes the one
for the other warps by up to half a voxel too much. Here a position is a number of voxels from the
first one's centre, and there is nothing to align.

On CUDA the backward pass of `grid_sample` adds in whatever order its threads arrive: two trainings
with one seed end apart. There the gradient of the displacement is only looked up here, and that of
the image summed in a fixed order: by place, and at one place from the first corner to the last. On
a CPU `grid_sample` adds in a fixed order itself, and does the work.
"""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Float, Num
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from medlib.translation.registration.displacement import (
    checked_field,
    identity_grid,
    last_voxel,
)

__all__ = ["OUTSIDE", "sum_by_place", "warp", "warp_labels"]

OUTSIDE = ("edge", "zero")


def warp(
    image: Float[Tensor, "batch channels *grid"],
    *,
    by_voxels: Float[Tensor, "batch dims *grid"],
    outside: str = "edge",
    ordered: bool | None = None,
) -> Float[Tensor, "batch channels *grid"]:
    """Look up image(x + u(x)), linearly, for every voxel x.

    Gradients flow to both. Where x + u(x) lies outside or on the edge and `outside` is "edge", that
    by u is zero along the axis that is left.

    Args:
        image: any number of channels; a field is an image of D channels.
        by_voxels: u, one channel an axis, in voxels.
        outside: "edge", the nearest voxel's value; "zero", as if zeros lay beyond the last voxels.
        ordered: by the sums in a fixed order of this file, or by `grid_sample`; None takes the
            former on a GPU and the latter, which is quicker, on a CPU.

    Returns:
        As the image; zero displacement returns it, to rounding.

    Raises:
        ValueError: no field, an image of another batch or grid, or an unknown `outside`.

    Example:
        >>> ramp = torch.arange(4.0).expand(1, 1, 3, 4)
        >>> right = torch.tensor([0.0, 1.5]).reshape(1, 2, 1, 1).expand(1, 2, 3, 4)
        >>> warp(ramp, by_voxels=right)[0, 0, 0]
        tensor([1.5000, 2.5000, 3.0000, 3.0000])

    Source: Jaderberg et al. (2015), doi:10.48550/arXiv.1506.02025.
    """
    _check(image, by_voxels, outside)
    ordered = image.is_cuda if ordered is None else ordered
    return (_Ordered.apply if ordered else _by_torch)(image, by_voxels, outside == "edge")


def warp_labels(
    labels: Num[Tensor, "batch channels *grid"],
    *,
    by_voxels: Float[Tensor, "batch dims *grid"],
    outside: str = "edge",
) -> Num[Tensor, "batch channels *grid"]:
    """Look up the nearest voxel's label: a label is no number that could be interpolated.

    Halfway between two voxels it is the even one, as in torch and NumPy. It has no gradient.

    Raises:
        ValueError: as `warp`.

    Example:
        >>> labels = torch.tensor([[1, 2, 7]]).expand(1, 1, 2, 3)
        >>> right = torch.tensor([0.0, 0.6]).reshape(1, 2, 1, 1).expand(1, 2, 2, 3)
        >>> warp_labels(labels, by_voxels=right)[0, 0, 0]
        tensor([2, 7, 7])
    """
    _check(labels, by_voxels, outside)
    where = (identity_grid(by_voxels) + by_voxels.detach()).flatten(2).round()
    at, kept = torch.zeros_like(where[:, 0], dtype=torch.int64), torch.ones_like(where[:, 0]) > 0
    for axis, n in enumerate(labels.shape[2:]):
        index = where[:, axis].nan_to_num()
        kept &= (index >= 0) & (index <= n - 1)
        at = at * n + index.clamp(0, n - 1).long()
    flat = labels.flatten(2)
    found = flat.gather(2, at[:, None].expand_as(flat))
    found = found if outside == "edge" else torch.where(kept[:, None], found, 0).to(labels.dtype)
    return found.reshape(labels.shape)


def sum_by_place(
    values: Float[Tensor, "channels many"], *, places: Tensor, n: int, by_sorting: bool
) -> Float[Tensor, "channels n"]:
    """Add up the values that belong to one place, always in the same order.

    Args:
        values: one row a channel.
        places: of each value, 0 ≤ place < n.
        n: places.
        by_sorting: sort the places, stably, and sum each run, as a GPU must to have an order;
            otherwise add one value after another, which a CPU does quicker.

    Example:
        >>> places = torch.tensor([2, 0, 2])
        >>> sum_by_place(torch.tensor([[1.0, 2.0, 3.0]]), places=places, n=4, by_sorting=True)
        tensor([[2., 0., 4., 0.]])
    """
    if not by_sorting:
        # of one axis, index_add is a plain loop on the CPU
        return torch.stack([row.new_zeros(n).index_add_(0, places, row) for row in values])
    order = torch.argsort(places, stable=True)
    lengths = torch.bincount(places, minlength=n)
    runs = values[:, order].t().contiguous()
    return torch.segment_reduce(runs, "sum", lengths=lengths, initial=0, unsafe=True).t()


def _by_torch(image: Tensor, by: Tensor, edge: bool) -> Tensor:
    """By `grid_sample`, which wants the last axis first."""
    places = 2 * (identity_grid(by) + by) / last_voxel(by) - 1
    return functional.grid_sample(
        image,
        places.flip(1).movedim(1, -1),
        padding_mode="border" if edge else "zeros",
        align_corners=True,
    )


class _Ordered(torch.autograd.Function):
    """Linear interpolation, its gradient by displacement looked up, that by image in order."""

    @staticmethod
    def forward(ctx, image: Tensor, by: Tensor, edge: bool) -> Tensor:
        low, part, free = _places(by, edge)
        flat = image.flatten(2)
        found = torch.zeros_like(flat)
        for corner in product((0, 1), repeat=by.shape[1]):
            at, weight = _corner(corner, low, part, image.shape[2:])
            found += weight[:, None] * flat.gather(2, at[:, None].expand_as(flat))
        ctx.save_for_backward(image, low, part, free)
        return found.reshape(image.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        image, low, part, free = ctx.saved_tensors
        batch, channels, *grid = image.shape
        flat, grad = image.flatten(2), grad.flatten(2)
        voxels = flat.shape[2]
        by_image = by_field = None
        values, places = [], []
        if ctx.needs_input_grad[1]:
            by_field = torch.zeros_like(part)
        first = voxels * torch.arange(batch, device=grad.device)[:, None]
        for corner in product((0, 1), repeat=len(grid)):
            at, weight = _corner(corner, low, part, grid)
            if ctx.needs_input_grad[0]:
                values.append((weight[:, None] * grad).transpose(0, 1).reshape(channels, -1))
                places.append((at + first).flatten())
            if by_field is not None:
                pull = (grad * flat.gather(2, at[:, None].expand_as(flat))).sum(dim=1)
                for axis, side in enumerate(corner):
                    slope = _weight(corner, low, part, grid, but=axis)
                    by_field[:, axis] += (slope if side else -slope) * pull
        if values:
            by_image = sum_by_place(
                torch.cat(values, dim=1),
                places=torch.cat(places),
                n=batch * voxels,
                by_sorting=grad.is_cuda,
            )
            by_image = by_image.reshape(channels, batch, voxels).transpose(0, 1)
            by_image = by_image.reshape(image.shape)
        if by_field is not None:
            by_field = (by_field * free).reshape(batch, len(grid), *grid)
        return by_image, by_field, None


def _places(by: Tensor, edge: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The lower voxel of each axis, the part of a voxel beyond it, and whether u moves either."""
    where = (identity_grid(by) + by).flatten(2)
    last = last_voxel(by).flatten(2)
    if not edge:
        low = where.floor()
        return low.nan_to_num(), where - low, torch.ones_like(where)
    held = where.clamp(torch.zeros_like(last), last)
    low = held.floor().minimum(last - 1)  # on the last voxel: all of the way from the one before
    return low.nan_to_num(), held - low, ((where > 0) & (where < last)).to(where)


def _corner(corner, low: Tensor, part: Tensor, grid) -> tuple[Tensor, Tensor]:
    """The flat index of one of the voxels around each place, and how much it counts."""
    at = torch.zeros_like(low[:, 0], dtype=torch.int64)
    for axis, (side, n) in enumerate(zip(corner, grid, strict=True)):
        at = at * n + (low[:, axis] + side).clamp(0, n - 1).long()
    return at, _weight(corner, low, part, grid)


def _weight(corner, low: Tensor, part: Tensor, grid, *, but: int | None = None) -> Tensor:
    """The product of the axes' parts, of all but one; of a voxel that does not exist, zero."""
    weight = torch.ones_like(part[:, 0])
    for axis, (side, n) in enumerate(zip(corner, grid, strict=True)):
        index = low[:, axis] + side
        if axis != but:
            weight = weight * (part[:, axis] if side else 1 - part[:, axis])
        weight = weight * ((index >= 0) & (index <= n - 1))
    return weight


def _check(image: Tensor, by_voxels: Tensor, outside: str) -> None:
    checked_field(by_voxels)
    if image.ndim != by_voxels.ndim or (len(image), *image.shape[2:]) != (
        len(by_voxels),
        *by_voxels.shape[2:],
    ):
        raise ValueError(
            f"an image of {tuple(image.shape)} and by_voxels of {tuple(by_voxels.shape)}: batch"
            " and grid must be the same"
        )
    if outside not in OUTSIDE:
        raise ValueError(f"outside={outside!r}: one of {', '.join(OUTSIDE)}")
