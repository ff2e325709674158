"""Is the dye where it belongs? Correlation of one stain's map with its true map."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def structure_correlation(
    stain: Float[Tensor, "n height width"], *, truth: Float[Tensor, "n height width"]
) -> Float[Tensor, " n"]:
    """Pearson's correlation between two maps, image by image.

    r = Σ (a - ā)(b - b̄) / √(Σ (a - ā)² Σ (b - b̄)²): blind to brightness and contrast, so it asks
    only whether structures lie in the same places. 0 if either map is flat to rounding: it has no
    structure to compare.

    Args:
        stain: amount of a dye in the images to be judged.
        truth: in the true images, pixel by pixel.

    Returns:
        One number an image; 1 = same places, 0 = unrelated, -1 = inverted.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> a = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> structure_correlation(2 - a, truth=a)
        tensor([-1.])
    """
    if stain.shape != truth.shape:
        raise ValueError(f"stain is {tuple(stain.shape)}, truth {tuple(truth.shape)}: one shape")
    a, b = (x.double().flatten(1) for x in (stain, truth))
    spreads = [x.std(1) for x in (a, b)]
    flat = (spreads[0] < 1e-6 * (1 + a.abs().amax(1))) | (spreads[1] < 1e-6 * (1 + b.abs().amax(1)))
    a, b = (x - x.mean(1, keepdim=True) for x in (a, b))
    products = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-300)
    return torch.where(flat, torch.zeros_like(products), products).to(stain.dtype)
