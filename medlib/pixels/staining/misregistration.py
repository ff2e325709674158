"""Pairs that do not fit: the section moved and stretched between the two photographs.

Staining means washing, drying and remounting. Afterwards no registration is perfect, and what is
left is a small displacement that differs from field to field.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_GRID = 4  # coarse cells across an image: the deformation is smooth on a quarter of it


def displacement(
    n: int,
    *,
    height: int,
    width: int,
    misfit_px: float,
    generator: torch.Generator,
) -> Float[Tensor, "n 2 height width"]:
    """Draw displacements: a shift of up to s px along each axis, and a smooth deformation of s/2.

    u = s·a + s/2·b(x), with a uniform in [-1, 1]² for each image and b a bilinear interpolation of
    values uniform in [-1, 1]² on a coarse grid.

    Args:
        n: images.
        height: in pixels.
        width: in pixels.
        misfit_px: s, in pixels; 0 gives no displacement.
        generator: a CPU generator. The draws do not depend on s, only their size does.

    Returns:
        (n, 2, height, width): displacement in pixels along rows, then along columns.

    Raises:
        ValueError: if s is negative.

    Example:
        >>> u = displacement(3, height=8, width=8, misfit_px=2.0,
        ...                  generator=torch.Generator().manual_seed(0))
        >>> u.shape, bool(u.abs().max() <= 3.0)
        (torch.Size([3, 2, 8, 8]), True)
    """
    if not misfit_px >= 0:
        raise ValueError(f"misfit_px is {misfit_px}; it must be 0 or more")
    shift = torch.rand(n, 2, 1, 1, generator=generator) * 2 - 1
    coarse = torch.rand(n, 2, _GRID + 1, _GRID + 1, generator=generator) * 2 - 1
    smooth = functional.interpolate(
        coarse, size=(height, width), mode="bilinear", align_corners=True
    )
    return misfit_px * shift + misfit_px / 2 * smooth


def displaced(
    images: Float[Tensor, "n channels height width"],
    *,
    by_px: Float[Tensor, "n 2 height width"],
) -> Float[Tensor, "n channels height width"]:
    """Look each pixel up where its displacement points: y(x + u(x)), bilinear, edges repeated.

    Args:
        images: any number of channels.
        by_px: u in pixels along rows, then columns, on the images' device.

    Returns:
        The same shape; zero displacement returns the images to rounding.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> ramp = torch.arange(4.0).expand(1, 1, 4, 4)
        >>> right = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
        >>> displaced(ramp, by_px=right)[0, 0, 0]
        tensor([1., 2., 3., 3.])
    """
    n, _, height, width = images.shape
    if by_px.shape != (n, 2, height, width):
        raise ValueError(
            f"by_px is {tuple(by_px.shape)}; for these images it must be {(n, 2, height, width)}"
        )
    rows = torch.arange(height, device=images.device, dtype=images.dtype)[:, None] + by_px[:, 0]
    columns = torch.arange(width, device=images.device, dtype=images.dtype) + by_px[:, 1]
    # grid_sample counts from the outer edges, -1 to 1, and wants (column, row)
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=-1)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def expected_image(
    images: Float[Tensor, "n channels height width"],
    *,
    misfit_px: float,
    generator: torch.Generator,
    draws: int = 64,
) -> Float[Tensor, "n channels height width"]:
    """What least squares aims at under such misfit: E[y(x + u)], the mean over displacements.

    Args:
        images: the true images y.
        misfit_px: s, as in `displacement`.
        generator: a CPU generator.
        draws: displacements averaged, >= 1.

    Returns:
        The same shape: a blurred copy.

    Raises:
        ValueError: if `draws` is below 1 or s negative.

    Example:
        >>> spot = torch.zeros(1, 1, 15, 15); spot[..., 7, 7] = 1.0
        >>> own = torch.Generator().manual_seed(0)
        >>> bool(expected_image(spot, misfit_px=2.0, generator=own).max() < 0.3)
        True
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}; it must be 1 or more")
    n, _, height, width = images.shape
    total = torch.zeros_like(images)
    for _ in range(draws):
        moved = displacement(
            n, height=height, width=width, misfit_px=misfit_px, generator=generator
        )
        total += displaced(images, by_px=moved.to(images))
    return total / draws
