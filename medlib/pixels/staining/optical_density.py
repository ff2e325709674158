"""Optical density, to base 10: the scale on which amounts of dye add up.

A section takes away the same share of the light with each layer of dye, so light falls
exponentially with the amount (Beer-Lambert) and its logarithm falls linearly.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def optical_density(
    light: Float[Tensor, "*shape"], *, white: float = 1.0, darkest: float = 1 / 255
) -> Float[Tensor, "*shape"]:
    """Density of what absorbed the light: OD = -log₁₀(I / I₀).

    Args:
        light: transmitted intensity I, in the unit of `white`; not negative.
        white: I₀, the intensity through an empty slide.
        darkest: share of I₀ below which light is taken to be that share: a black pixel has no
            logarithm. The default, one step of 8 bits, caps the density at 2.4.

    Returns:
        Density to base 10, same shape; 0 = empty slide, negative = brighter than I₀.

    Raises:
        ValueError: if the light is negative or not finite, or `white` or `darkest` make no sense.

    Example:
        >>> optical_density(torch.tensor([1.0, 0.1, 0.0]), darkest=0.01)
        tensor([-0., 1., 2.])

    Source: Ruifrok and Johnston 2001, Anal. Quant. Cytol. Histol. 23:291-299.
    """
    if not white > 0 or not 0 < darkest < 1:
        raise ValueError(f"white={white} must be positive and darkest={darkest} between 0 and 1")
    if not bool(torch.isfinite(light).all()) or bool((light < 0).any()):
        raise ValueError("light must be finite and not negative: it is an intensity, not a density")
    return -(light / white).clamp_min(darkest).log10()


def transmitted(density: Float[Tensor, "*shape"], *, white: float = 1.0) -> Float[Tensor, "*shape"]:
    """Light that passes: I = I₀ 10^(-OD), the inverse of `optical_density`.

    Args:
        density: to base 10.
        white: I₀.

    Returns:
        Intensity in the unit of `white`, same shape.

    Example:
        >>> transmitted(torch.tensor([0.0, 1.0]), white=255.0)
        tensor([255.0000,  25.5000])
    """
    return white * torch.pow(10.0, -density)
