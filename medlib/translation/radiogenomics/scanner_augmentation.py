"""Random scanners: blur and grain drawn anew for every batch, so that neither means anything."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["blurred", "random_scanner"]


def blurred(
    images: Float[Tensor, "n 1 height width"], *, sigma: Float[Tensor, " n"]
) -> Float[Tensor, "n 1 height width"]:
    r"""Each image by a Gaussian of its own width, in pixels; edges are mirrored.

    Args:
        images: to be blurred.
        sigma: standard deviation of the Gaussian of each image, > 0; cut at 4 pixels.

    Raises:
        ValueError: not one width an image, or one that is not positive.

    Example:
        >>> dot = torch.zeros(1, 1, 9, 9)
        >>> dot[0, 0, 4, 4] = 1
        >>> round(blurred(dot, sigma=torch.tensor([1.0]))[0, 0, 4, 4].item(), 3)
        0.159
    """
    if sigma.shape != images.shape[:1] or not (sigma > 0).all():
        raise ValueError(f"sigma {tuple(sigma.shape)}: one positive width an image")
    n = len(images)
    reach = 4
    at = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-(at**2) / (2 * sigma[:, None] ** 2))
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    padded = F.pad(images, (reach,) * 4, mode="reflect")[:, 0][None]  # (1, n, h + 8, w + 8)
    across = F.conv2d(padded, kernel[:, None, None, :], groups=n)
    return F.conv2d(across, kernel[:, None, :, None], groups=n)[0][:, None]


def random_scanner(
    images: Float[Tensor, "n 1 height width"],
    *,
    blur_px: tuple[float, float] = (0.05, 1.2),
    noise: tuple[float, float] = (0.0, 0.6),
    grain_px: tuple[float, float] = (0.05, 1.2),
    generator: torch.Generator,
) -> Float[Tensor, "n 1 height width"]:
    """Images as another scanner might show them: blurred more, with more noise, of another grain.

    What was lost in one scanner cannot be put back: images can only be made worse, and the range
    must hold both hospitals. This knows what scanners do, and nothing of who was scanned where.

    Args:
        images: scaled to mean 0 and SD 1, and scaled so again.
        blur_px: least and greatest width of the added blur.
        noise: least and greatest SD of the added noise.
        grain_px: least and greatest width of the Gaussian that the noise is smoothed by.
        generator: on the CPU.

    Raises:
        ValueError: a range that is not in order.

    Example:
        >>> images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> random_scanner(images, generator=torch.Generator().manual_seed(1)).std().item() > 0.99
        True
    """
    for name, (low, high) in {"blur_px": blur_px, "noise": noise, "grain_px": grain_px}.items():
        if not 0 <= low <= high:
            raise ValueError(f"{name} is {(low, high)}: from at least 0 upwards")
    n = len(images)
    draws = torch.rand(3, n, generator=generator).to(images.device)
    blur, sd, grain = (
        low + (high - low) * own
        for (low, high), own in zip((blur_px, noise, grain_px), draws, strict=True)
    )
    fresh = torch.randn(images.shape, generator=generator).to(images.device)
    grains = blurred(fresh, sigma=grain.clamp_min(0.05))
    grains = grains / grains.std(dim=(1, 2, 3), keepdim=True)
    shown = blurred(images, sigma=blur.clamp_min(0.05)) + sd[:, None, None, None] * grains
    shown = shown - shown.mean(dim=(1, 2, 3), keepdim=True)
    return shown / shown.std(dim=(1, 2, 3), keepdim=True, correction=0)
