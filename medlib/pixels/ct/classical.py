"""Filters that need no training, and the tuning without which a comparison with them is worthless.

Each has one strength. At its default it may look hopeless and at its best it may beat a network, so
every strength is chosen on validation images, with the same care that the network gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from skimage.filters import gaussian
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle
from torch import Tensor

Filter = Callable[..., Tensor]


@dataclass(frozen=True)
class Tuned:
    """A strength chosen on validation images.

    Attributes:
        strength: the best of the grid.
        grid: what was tried.
        errors: mean squared error of each, in (image unit)².
        at_edge: True if the best lies at an end of the grid, so that a better one may lie beyond.
    """

    strength: float
    grid: tuple[float, ...]
    errors: tuple[float, ...]
    at_edge: bool


def gaussian_filter(images: Tensor, *, strength: float) -> Tensor:
    """Blur with a Gaussian.

    Args:
        images: (n, height, width).
        strength: standard deviation, in pixels.

    Returns:
        Same shape and device.

    Example:
        >>> spike = torch.zeros(1, 9, 9); spike[0, 4, 4] = 1
        >>> bool(gaussian_filter(spike, strength=1.0)[0, 4, 4] < 0.2)
        True
    """
    return _each(images, lambda image: gaussian(image, sigma=strength, preserve_range=True))


def total_variation(images: Tensor, *, strength: float) -> Tensor:
    """Chambolle's total-variation denoising: argmin ½‖x - image‖² + strength Σ|∇x|.

    Args:
        images: (n, height, width).
        strength: weight of the variation, in the images' unit.

    Returns:
        Same shape and device.

    Example:
        >>> flat = total_variation(torch.rand(1, 16, 16), strength=10.0)
        >>> bool(flat.std() < 0.05)
        True

    Source: Chambolle 2004, doi:10.1023/B:JMIV.0000011325.36760.1e, by scikit-image.
    """
    return _each(images, lambda image: denoise_tv_chambolle(image, weight=strength))


def nonlocal_means(images: Tensor, *, strength: float) -> Tensor:
    """Non-local means: each pixel becomes a mean of pixels whose 5 × 5 neighbourhoods look alike.

    Args:
        images: (n, height, width).
        strength: h, how unlike two patches may be, in the images' unit.

    Returns:
        Same shape and device.

    Example:
        >>> noisy = 1 + 0.1 * torch.randn(1, 24, 24, generator=torch.Generator().manual_seed(0))
        >>> bool(nonlocal_means(noisy, strength=0.2).std() < 0.05)
        True

    Source: Buades, Coll and Morel 2005, doi:10.1109/CVPR.2005.38, by scikit-image.
    """
    settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True}
    return _each(images, lambda image: denoise_nl_means(image, h=strength, **settings))


def tune(filter_: Filter, images: Tensor, *, truth: Tensor, grid: Sequence[float]) -> Tuned:
    """Choose the strength with the smallest mean squared error on validation images.

    Args:
        filter_: called as `filter_(images, strength=...)`.
        images: noisy validation images (n, height, width).
        truth: what they should have been, same shape.
        grid: strengths to try, ascending.

    Returns:
        The choice, with every error, so that a reader can see how flat the optimum is.

    Raises:
        ValueError: if the shapes differ or the grid is empty or not ascending.

    Example:
        >>> truth = torch.zeros(1, 16, 16)
        >>> noisy = torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> tune(gaussian_filter, noisy, truth=truth, grid=[0.1, 1.0, 2.0]).strength
        2.0
    """
    if images.shape != truth.shape:
        raise ValueError(f"images are {tuple(images.shape)} but truth is {tuple(truth.shape)}")
    if not grid or list(grid) != sorted(grid):
        raise ValueError(f"grid is {list(grid)}; give one strength or more, ascending")
    errors = [
        float((filter_(images, strength=strength) - truth).double().square().mean())
        for strength in grid
    ]
    best = int(np.argmin(errors))
    at_edge = len(grid) > 1 and best in (0, len(grid) - 1)
    return Tuned(float(grid[best]), tuple(map(float, grid)), tuple(errors), at_edge)


def _each(images: Tensor, work: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    if images.ndim != 3:
        raise ValueError(
            f"images have shape {tuple(images.shape)}; they must be (n, height, width)"
        )
    arrays = images.detach().double().cpu().numpy()
    return torch.from_numpy(np.stack([work(image) for image in arrays])).to(images)
