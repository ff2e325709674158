"""Sharpness without a reference image: how much of an image changes from pixel to pixel.

A blur removes the high spatial frequencies and keeps the low ones. Their amplitude, compared with
that of real images of the same kind, says how sharp an image looks. It does not say that what is
sharp is also right, and noise is sharp too.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def high_frequency_amplitude(
    images: Float[Tensor, "n channels height width"], *, above_per_px: float = 0.15
) -> Float[Tensor, " n"]:
    """Root mean square of what lies above a spatial frequency.

    a² = Σ_{|f| > f₀} |DFT(w (y - ȳ))|² / (N Σ w²), w a Hann window along both axes: without one,
    the jump between opposite edges would count as detail.

    Args:
        images: any number of channels, averaged in the square; 4 or more pixels a side.
        above_per_px: f₀ in cycles per pixel, 0 < f₀ < 0.5.

    Returns:
        One amplitude an image, in the images' unit; higher = sharper.

    Raises:
        ValueError: if f₀ is out of range or the images are too small.

    Example:
        >>> board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(16, 16)[None, None]
        >>> high_frequency_amplitude(board)  # all of its standard deviation, 0.5
        tensor([0.5000])

    Source of the window and its normalisation: Harris 1978, doi:10.1109/PROC.1978.10837.
    """
    height, width = images.shape[-2:]
    if not 0 < above_per_px < 0.5 or min(height, width) < 4:
        raise ValueError(
            f"above_per_px={above_per_px} must lie between 0 and 0.5, images are {height} x {width}"
            " and must have 4 pixels a side or more"
        )
    window = torch.outer(_hann(height, images), _hann(width, images))
    centred = images - (images * window).sum((-2, -1), keepdim=True) / window.sum()
    spectrum = torch.fft.fft2(centred * window).abs() ** 2
    rows = torch.fft.fftfreq(height, device=images.device)
    columns = torch.fft.fftfreq(width, device=images.device)
    high = (rows[:, None] ** 2 + columns**2) > above_per_px**2
    power = (spectrum * high).sum((-2, -1)) / (height * width * (window**2).sum())
    return power.mean(1).sqrt()


def sharpness_ratio(
    images: Float[Tensor, "n channels height width"],
    *,
    reference: Float[Tensor, "m channels height width"],
    above_per_px: float = 0.15,
) -> float:
    """Sharpness of images as a share of that of reference images, of other scenes if need be.

    Args:
        images: to be judged.
        reference: real images of the same kind, of the same size.
        above_per_px: see `high_frequency_amplitude`.

    Returns:
        √(mean a² of the images / mean a² of the reference); 1 = as sharp, 0 = flat.

    Raises:
        ValueError: if the reference has no detail at all.

    Example:
        >>> x = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> round(sharpness_ratio(x / 2, reference=x), 3)
        0.5
    """
    squares = [
        (high_frequency_amplitude(x, above_per_px=above_per_px) ** 2).mean()
        for x in (images, reference)
    ]
    if not bool(squares[1] > 0):
        raise ValueError("the reference images have no detail above this frequency")
    return float((squares[0] / squares[1]).sqrt())


def _hann(length: int, like: Tensor) -> Tensor:
    return torch.hann_window(length + 1, periodic=True, dtype=like.dtype, device=like.device)[1:]
