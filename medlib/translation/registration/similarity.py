"""How alike two images are: the term of a registration that pulls.

- The mean squared difference believes that one tissue has one grey in both.
- The correlation over the image allows another scale and offset.
- The local correlation allows another scale and offset around every voxel, as of a bias field.

Each returns one number an image pair, and a loss of it is lower where they are more alike.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

__all__ = ["LOSSES", "correlation", "local_correlation", "local_correlation_map", "squared_error"]


def squared_error(
    image: Float[Tensor, "batch channels *grid"], other: Float[Tensor, "batch channels *grid"]
) -> Float[Tensor, " batch"]:
    """The mean squared difference of each pair; 0 = equal.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> squared_error(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 2.0))
        tensor([4.])
    """
    _check(image, other)
    return (image - other).square().flatten(1).mean(dim=1)


def correlation(
    image: Float[Tensor, "batch channels *grid"],
    other: Float[Tensor, "batch channels *grid"],
    *,
    least_variance: float = 1e-8,
) -> Float[Tensor, " batch"]:
    """Pearson's correlation over all voxels of each pair: 1 = equal up to scale and offset.

    Args:
        image, other: a pair, of any channels.
        least_variance: added to the product of the variances, for images without any.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> image = torch.arange(16.0).reshape(1, 1, 4, 4)
        >>> round(float(correlation(image, 3 * image + 1)), 4)
        1.0
    """
    _check(image, other)
    a, b = (x.flatten(1) - x.flatten(1).mean(dim=1, keepdim=True) for x in (image, other))
    product = a.square().mean(dim=1) * b.square().mean(dim=1)
    return (a * b).mean(dim=1) / (product + least_variance).sqrt()


def local_correlation_map(
    image: Float[Tensor, "batch 1 *grid"],
    other: Float[Tensor, "batch 1 *grid"],
    *,
    window_voxels: int = 9,
    least_variance: float = 1e-5,
) -> Float[Tensor, "batch 1 *grid"]:
    """The squared correlation of two images in a window around every voxel.

    Args:
        image, other: a pair, with values of about 0 to 1: `least_variance` is measured by them.
        window_voxels: side of the window, odd, ≥ 3; at the edge of the image it is cut off.
        least_variance: added to each variance. Where both images are flat it makes noise count for
            nothing; where it is large against the contrast, everything counts for less.

    Returns:
        0 to 1; 1 = equal up to scale, sign and offset.

    Raises:
        ValueError: shapes differ, more than one channel, or the window is even or too small.

    Example:
        >>> image = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
        >>> float(local_correlation_map(image, 1 - 2 * image).min()) > 0.99
        True

    Source: Avants et al. (2008), doi:10.1016/j.media.2007.06.004.
    """
    _check(image, other)
    if image.shape[1] != 1:
        raise ValueError(f"{image.shape[1]} channels: the local correlation is of one")
    if window_voxels < 3 or window_voxels % 2 == 0:
        raise ValueError(f"window_voxels={window_voxels}: an odd number of 3 or more")
    # differences of large sums lose digits: each image is moved to a mean of zero first
    dims = tuple(range(2, image.ndim))
    a, b = (x - x.mean(dim=dims, keepdim=True).detach() for x in (image, other))
    n = _window_sums(torch.ones_like(a[:1]), window_voxels)
    sums = _window_sums(torch.cat([a, b, a * a, b * b, a * b]), window_voxels) / n
    mean_a, mean_b, aa, bb, ab = sums.chunk(5)
    cross = ab - mean_a * mean_b
    var_a = (aa - mean_a**2).clamp(min=0) + least_variance
    var_b = (bb - mean_b**2).clamp(min=0) + least_variance
    return cross**2 / (var_a * var_b)


def local_correlation(
    image: Float[Tensor, "batch 1 *grid"],
    other: Float[Tensor, "batch 1 *grid"],
    *,
    window_voxels: int = 9,
    least_variance: float = 1e-5,
) -> Float[Tensor, " batch"]:
    """The mean of the map above, one number a pair.

    Raises:
        ValueError: as `local_correlation_map`.

    Example:
        >>> image = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
        >>> bool(local_correlation(image, image) > local_correlation(image, image.roll(3, -1)))
        True
    """
    found = local_correlation_map(
        image, other, window_voxels=window_voxels, least_variance=least_variance
    )
    return found.flatten(1).mean(dim=1)


Loss = Callable[[Tensor, Tensor], Tensor]

LOSSES: dict[str, Loss] = {
    "squared error": squared_error,
    "correlation": lambda image, other: 1 - correlation(image, other),
    "local correlation": lambda image, other: 1 - local_correlation(image, other),
}
"""Losses of (warped, fixed), one number a pair, lower = more alike."""


def _window_sums(images: Tensor, window: int) -> Tensor:
    """Sums over a window around every voxel, one axis after the other; nothing lies outside."""
    dims = images.ndim - 2
    convolve = functional.conv2d if dims == 2 else functional.conv3d
    for axis in range(dims):
        shape, padding = [1, 1, *[1] * dims], [0] * dims
        shape[axis + 2], padding[axis] = window, window // 2
        images = convolve(images, images.new_ones(shape), padding=padding)
    return images


def _check(image: Tensor, other: Tensor) -> None:
    if image.shape != other.shape or image.ndim not in (4, 5):
        raise ValueError(
            f"images of {tuple(image.shape)} and {tuple(other.shape)}: both (batch, channels,"
            " rows, columns), or of three axes"
        )
