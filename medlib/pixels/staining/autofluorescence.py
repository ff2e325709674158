"""Simulated autofluorescence: what an unstained section might look like, from its stains.

Tissue glows by itself when lit with short wavelengths: proteins of the cytoplasm and fibres glow,
nuclei are darker. Here the glow is computed from the amounts of dye that a *stained* image shows,
so that the truth is known at every pixel. That the second dye's target glows at all is an
assumption (`visibility`): a real antibody's target need not be visible without the antibody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Glow:
    """How each channel arises from haematoxylin h and a second dye d.

    Attributes:
        base: glow of bare tissue, one number for each channel.
        gain: additional glow per unit of d.
        absorption: how strongly h darkens each channel: 10^(-absorption · h).
        blur_px: standard deviation of the microscope's blur.
        photons: at intensity 1; fewer = noisier.
        visibility: 0..1, factor on `gain`; 0 = the second dye's target does not glow.
    """

    base: tuple[float, ...] = (0.25, 0.35, 0.3)
    gain: tuple[float, ...] = (0.9, 0.35, 0.1)
    absorption: tuple[float, ...] = (0.5, 1.2, 0.3)
    blur_px: float = 0.6
    photons: float = 3000.0
    visibility: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.base) == len(self.gain) == len(self.absorption) > 0:
            raise ValueError(f"{self}: base, gain and absorption need a number for each channel")
        if self.photons <= 0 or self.blur_px < 0 or not 0 <= self.visibility <= 1:
            raise ValueError(f"{self}: photons > 0, blur_px >= 0 and visibility in 0..1")


def autofluorescence(
    stains: Float[Tensor, "n dyes height width"],
    *,
    rng: np.random.Generator,
    glow: Glow | None = None,
) -> Float[Tensor, "n channels height width"]:
    """Simulate an unstained section: F_k = (b_k + g_k d) 10^(-a_k h), blurred, counted in photons.

    Args:
        stains: amounts of haematoxylin h (channel 0) and a second dye d (channel 1); further
            channels are ignored, negative amounts count as none.
        rng: of the photons.
        glow: constants of the channels.

    Returns:
        One intensity a channel, about 0..1. Always to be labelled simulated.

    Raises:
        ValueError: if there are fewer than two dyes.

    Example:
        >>> bare = autofluorescence(torch.zeros(1, 2, 8, 8), rng=np.random.default_rng(0))
        >>> bool((bare.mean((0, 2, 3)) - torch.tensor([0.25, 0.35, 0.3])).abs().max() < 0.01)
        True

    Source of the idea: Rivenson et al. 2019, doi:10.1038/s41551-019-0362-y.
    """
    glow = glow or Glow()
    if stains.shape[1] < 2:
        raise ValueError(f"stains have {stains.shape[1]} channel; two dyes are needed")
    h, d = stains[:, 0].clamp_min(0), stains[:, 1].clamp_min(0)
    channels = [
        (base + glow.visibility * gain * d) * torch.pow(10.0, -absorption * h)
        for base, gain, absorption in zip(glow.base, glow.gain, glow.absorption, strict=True)
    ]
    light = gaussian_blur(torch.stack(channels, dim=1), sd_px=glow.blur_px)
    counts = rng.poisson(light.double().clamp_min(0).cpu().numpy() * glow.photons)
    return torch.from_numpy(counts / glow.photons).to(stains)


def gaussian_blur(
    images: Float[Tensor, "n channels height width"], *, sd_px: float
) -> Float[Tensor, "n channels height width"]:
    """Blur each channel with a Gaussian, edges repeated; 0 px leaves it as it is.

    Args:
        images: any number of channels, each more than 4 sd across.
        sd_px: standard deviation in pixels.

    Returns:
        The same shape.

    Example:
        >>> point = torch.zeros(1, 1, 9, 9); point[..., 4, 4] = 1.0
        >>> blurred = gaussian_blur(point, sd_px=1.0)
        >>> round(float(blurred.sum()), 4), round(float(blurred.max()), 3)
        (1.0, 0.159)
    """
    if sd_px == 0:
        return images
    reach = max(1, round(4 * sd_px))
    ticks = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (ticks / sd_px) ** 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    groups = images.shape[1]
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel[:, :, :, None], groups=groups)
    return functional.conv2d(rows, kernel[:, :, None, :], groups=groups)
