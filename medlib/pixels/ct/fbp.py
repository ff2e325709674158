"""Filtered backprojection: the inverse of projection for noise-free, finely sampled data.

Backprojection alone smears every ray over its whole path and returns a blur that falls off as
1/distance. The ramp filter |f| undoes exactly that, and amplifies high frequencies, where there is
little signal and all of the noise; a window over the ramp gives some of them up.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from medlib.pixels.ct.projection import ParallelBeam, backproject, check_sinogram

WINDOWS = ("ramp", "shepp-logan", "cosine", "hann")


def fbp(sinogram: Tensor, *, beam: ParallelBeam, window: str = "ramp") -> Tensor:
    """Reconstruct an image by filtered backprojection.

    μ(x) = (π/K) Σ_θ (p_θ * h)(x·θ) over K views, with h the band-limited ramp kernel and the value
    at x·θ averaged over the pixel's shadow (the transpose of the projector).

    Args:
        sinogram: line integrals (..., views, cells), dimensionless.
        beam: the geometry.
        window: "ramp" (none), "shepp-logan", "cosine" or "hann", in order of smoothness.

    Returns:
        Attenuation (..., size, size), in 1/cm; differentiable and linear in the sinogram.

    Raises:
        ValueError: if the shape does not fit the geometry, or the window is unknown.

    Example:
        >>> from medlib.pixels.ct.projection import project
        >>> beam = ParallelBeam(size=65, n_views=90, pixel_cm=0.2)
        >>> axis = torch.arange(65) - 32.0
        >>> disc = torch.hypot(axis[:, None], axis[None, :]) < 20
        >>> image = fbp(project(0.2 * disc.float(), beam=beam), beam=beam)
        >>> round(float(image[28:37, 28:37].mean()), 3)
        0.2

    Source: Kak and Slaney 1988, chapter 3, doi:10.1137/1.9780898719277.
    """
    return backproject(filter_sinogram(sinogram, beam=beam, window=window), beam=beam) * (
        backprojection_scale(beam)
    )


def filter_sinogram(sinogram: Tensor, *, beam: ParallelBeam, window: str = "ramp") -> Tensor:
    """Convolve each view with the windowed ramp kernel.

    Args:
        sinogram: (..., views, cells), dimensionless.
        beam: the geometry.
        window: one of `WINDOWS`.

    Returns:
        Filtered sinogram, same shape, in 1/cm.

    Raises:
        ValueError: if the shape does not fit the geometry, or the window is unknown.

    Example:
        >>> beam = ParallelBeam(size=16, n_views=1, pixel_cm=1.0)
        >>> impulse = torch.zeros(beam.sinogram_shape); impulse[0, 14] = 1
        >>> filter_sinogram(impulse, beam=beam)[0, 13:16].round(decimals=4)
        tensor([-0.1013,  0.2500, -0.1013])
    """
    check_sinogram(sinogram, beam=beam)
    response = _response(beam.n_bins, window).to(sinogram)
    length = 2 * (response.numel() - 1)
    spectrum = torch.fft.rfft(sinogram, n=length) * response
    return torch.fft.irfft(spectrum, n=length)[..., : beam.n_bins] / beam.pixel_cm


def filter_kernel(beam: ParallelBeam, *, window: str = "ramp") -> Tensor:
    """The kernel by which a view is convolved, at lags -(cells - 1) to cells - 1, in 1/cm.

    For the bare ramp, Ramachandran and Lakshminarayanan's samples: 1/4 at lag 0, -1/(πn)² at odd
    lags, 0 at even ones. Sampling |f| itself instead would lose the image's mean.

    Args:
        beam: the geometry.
        window: one of `WINDOWS`.

    Returns:
        (2 cells - 1,), float64, symmetric.

    Raises:
        ValueError: if the window is unknown.

    Example:
        >>> kernel = filter_kernel(ParallelBeam(size=16, pixel_cm=0.5))
        >>> float(kernel[len(kernel) // 2])
        0.5
    """
    response = _response(beam.n_bins, window)
    kernel = torch.fft.irfft(response, n=2 * (response.numel() - 1)) / beam.pixel_cm
    return torch.cat([kernel[-(beam.n_bins - 1) :], kernel[: beam.n_bins]])


def backprojection_scale(beam: ParallelBeam) -> float:
    """What turns Aᵀ into FBP's integral over views: π/K over the weight of one view, in 1/cm.

    Example:
        >>> round(backprojection_scale(ParallelBeam(size=4, n_views=100, pixel_cm=0.1)), 4)
        0.3142
    """
    return math.pi / beam.n_views / beam.pixel_cm


def apodisation(nyquist_share: Tensor, *, window: str) -> Tensor:
    """The window over the ramp: how much of each frequency it keeps.

    Args:
        nyquist_share: frequency over the detector's Nyquist frequency, 0 to 1.
        window: one of `WINDOWS`.

    Returns:
        Factors, same shape, float64; 1 at frequency 0.

    Raises:
        ValueError: if the window is unknown.

    Example:
        >>> apodisation(torch.tensor([0.0, 0.5, 1.0]), window="hann")
        tensor([1.0000, 0.5000, 0.0000], dtype=torch.float64)
    """
    share = nyquist_share.double()
    shapes = {
        "ramp": torch.ones_like(share),
        "shepp-logan": torch.sinc(share / 2),
        "cosine": torch.cos(torch.pi * share / 2),
        "hann": 0.5 + 0.5 * torch.cos(torch.pi * share),
    }
    if window not in shapes:
        raise ValueError(f"window is {window!r}; choose one of {', '.join(WINDOWS)}")
    return shapes[window]


@lru_cache(maxsize=16)
def _response(n_bins: int, window: str) -> Tensor:
    length = 2 ** math.ceil(math.log2(2 * n_bins))  # linear, not circular, convolution
    lag = np.minimum(np.arange(length), length - np.arange(length))
    kernel = np.where(lag % 2 == 1, -1 / (np.pi * np.maximum(lag, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    ramp = np.fft.rfft(kernel).real
    return torch.from_numpy(ramp) * apodisation(torch.linspace(0, 1, ramp.size), window=window)
