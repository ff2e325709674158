"""Occlusion: cover one cell of an image after another and note what the score loses."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["occlusion_map"]


@torch.no_grad()
def occlusion_map(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    baseline: Tensor,
    target: int,
    grid: int,
) -> Float[Tensor, "batch grid grid"]:
    """Return softmax(y)_c of the image less that of the image with one cell replaced, cell by cell.

    It asks the image, not a layer, and needs no gradient; it costs grid² + 1 forward passes.

    Args:
        network: in evaluation mode.
        images: preprocessed; their sides are multiples of `grid`.
        baseline: what replaces a cell, broadcast over the images (a colour, a blurred image).
        target: the class c.
        grid: cells along each side.

    Raises:
        ValueError: sides that do not divide into `grid` cells.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> image = torch.rand(1, 1, 2, 2)
        >>> occlusion_map(net, image, baseline=image, target=0, grid=2).abs().max().item()
        0.0

    Source: Zeiler and Fergus (2014), doi:10.1007/978-3-319-10590-1_53.
    """
    height, width = images.shape[-2:]
    if grid < 1 or height % grid or width % grid:
        raise ValueError(f"images of {height}x{width} px do not divide into {grid}x{grid} cells")
    baseline = baseline.to(images).expand_as(images)
    rows, columns = height // grid, width // grid
    whole = network(images).softmax(dim=1)[:, target]
    falls = torch.empty(len(images), grid, grid, device=images.device, dtype=images.dtype)
    for row in range(grid):
        for column in range(grid):
            here = (
                ...,
                slice(row * rows, (row + 1) * rows),
                slice(column * columns, (column + 1) * columns),
            )
            covered = images.clone()
            covered[here] = baseline[here]
            falls[:, row, column] = whole - network(covered).softmax(dim=1)[:, target]
    return falls
