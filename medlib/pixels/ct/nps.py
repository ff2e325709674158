"""The noise power spectrum: how the variance of an image is shared among spatial frequencies.

White noise has equal power at all frequencies. FBP noise has not: the ramp filter suppresses slow
variations, so the noise is fine-grained and anticorrelated, and averaging over a lesion removes
more of it than the pixel variance suggests. Two images of equal variance can differ in what can be
seen in them; their spectra tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from medlib.pixels.ct.fbp import apodisation
from medlib.pixels.ct.projection import ParallelBeam


@dataclass(frozen=True)
class RadialSpectrum:
    """A noise power spectrum averaged over directions.

    Attributes:
        frequency_per_cm: centres of the rings, in cycles per cm.
        power: mean power in each ring, in (image unit)² cm².
    """

    frequency_per_cm: Tensor
    power: Tensor


def noise_power_spectrum(noise: Tensor, *, pixel_cm: float) -> Tensor:
    """Estimate the two-dimensional noise power spectrum from images of noise alone.

    NPS(u, v) = (Δ²/N²) mean |DFT(noise)|². Its integral over the frequency plane,
    Σ NPS / (NΔ)², is the mean square of the noise (Parseval).

    Args:
        noise: n images (n, N, N) with the mean image already subtracted.
        pixel_cm: side Δ of a pixel, in cm.

    Returns:
        (N, N), zero frequency at index [0, 0] as in `torch.fft.fft2`, in (image unit)² cm².

    Raises:
        ValueError: if `noise` is not a stack of square images or `pixel_cm` is not positive.

    Example:
        >>> noise = torch.randn(200, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> nps = noise_power_spectrum(noise, pixel_cm=0.5)
        >>> round(float(nps.mean()), 2)  # white: variance × Δ² everywhere
        0.25

    Source: Siewerdsen, Cunningham and Jaffray 2002, doi:10.1118/1.1513158.
    """
    if noise.ndim != 3 or noise.shape[-1] != noise.shape[-2]:
        raise ValueError(f"noise has shape {tuple(noise.shape)}; it must be (n, N, N)")
    if not pixel_cm > 0:
        raise ValueError(f"pixel_cm is {pixel_cm}; it must be positive")
    power = torch.fft.fft2(noise).abs().square().mean(0)
    return power * (pixel_cm / noise.shape[-1]) ** 2


def radial_spectrum(nps: Tensor, *, pixel_cm: float, n_rings: int = 32) -> RadialSpectrum:
    """Average a spectrum over directions, in rings from zero to the Nyquist frequency 1/(2Δ).

    Args:
        nps: (N, N), as `noise_power_spectrum` returns it.
        pixel_cm: side of a pixel, in cm.
        n_rings: rings of equal width.

    Returns:
        Frequencies and powers; a ring without a sample is left out.

    Raises:
        ValueError: if `nps` is not square or `n_rings` not positive.

    Example:
        >>> flat = radial_spectrum(torch.ones(32, 32), pixel_cm=0.1, n_rings=4)
        >>> flat.frequency_per_cm, flat.power
        (tensor([0.6250, 1.8750, 3.1250, 4.3750]), tensor([1., 1., 1., 1.]))
    """
    if nps.ndim != 2 or nps.shape[0] != nps.shape[1] or n_rings < 1:
        raise ValueError(f"nps has shape {tuple(nps.shape)} and n_rings is {n_rings}")
    axis = torch.fft.fftfreq(len(nps), d=pixel_cm, device=nps.device)
    frequency = torch.hypot(axis[:, None], axis[None, :]).flatten()
    width = 0.5 / pixel_cm / n_rings
    ring = (frequency / width).long()
    inside = ring < n_rings
    count = torch.bincount(ring[inside], minlength=n_rings).to(nps)
    total = torch.zeros(n_rings).to(nps).index_add_(0, ring[inside], nps.flatten()[inside])
    centre = (torch.arange(n_rings, device=nps.device) + 0.5) * width
    filled = count > 0
    return RadialSpectrum(centre[filled].to(nps), total[filled] / count[filled])


def fbp_nps(
    frequency_per_cm: Tensor, *, beam: ParallelBeam, ray_variance: float, window: str = "ramp"
) -> Tensor:
    """The spectrum that theory predicts for FBP of rays with equal, independent noise.

    NPS(f) = (π/K) σ² Δ f W(f)² sinc²(fΔ) S(f): the ramp squared is f², spreading K views over the
    plane divides by f, and what is left rises with f until the window W, the width Δ of a detector
    cell and the pixel's shadow (S, averaged over directions) take it down. Aliasing is left out, so
    it is too low close to the Nyquist frequency 1/(2Δ).

    Args:
        frequency_per_cm: (n,), in cycles per cm.
        beam: the geometry.
        ray_variance: σ² of each line integral.
        window: the window of the FBP.

    Returns:
        (n,), float64, in (1/cm)² cm².

    Raises:
        ValueError: if the window is unknown.

    Example:
        >>> beam = ParallelBeam(n_views=100, pixel_cm=0.1)
        >>> low = fbp_nps(torch.tensor([0.1, 0.2]), beam=beam, ray_variance=1.0)
        >>> round(float(low[1] / low[0]), 2)  # twice the frequency, twice the power
        2.0

    Source: Riederer, Pelc and Chesler 1978, doi:10.1088/0031-9155/23/3/008.
    """
    f, width = frequency_per_cm.double(), beam.pixel_cm
    direction = torch.linspace(0, math.pi / 2, 65, dtype=torch.float64, device=f.device)
    along = f[:, None] * width * torch.stack([direction.cos(), direction.sin()])[:, None]
    shadow = torch.sinc(along).prod(0).square().mean(-1)
    kept = apodisation((2 * width * f).clamp(max=1), window=window).square()
    ramp = math.pi / beam.n_views * ray_variance * width * f
    return ramp * kept * torch.sinc(width * f).square() * shadow
