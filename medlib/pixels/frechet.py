"""Fréchet distance between two sets of images: do they look alike as a crowd, scene apart?

Each image becomes a short vector of colour and texture statistics; each set becomes a normal
distribution of such vectors; the distance is between the two. No pairs are needed. That is its use
and its danger: a set with every nucleus in the wrong place can score perfectly.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(a: Float[Tensor, "n features"], b: Float[Tensor, "m features"]) -> float:
    """Squared Fréchet distance of the normal distributions fitted to two sets of vectors.

    d² = |μ_a - μ_b|² + tr(K_a + K_b - 2 (K_a K_b)^½), with sample means μ and covariances K.

    Args:
        a: one row an item.
        b: one row an item; the same features in the same units.

    Returns:
        d², in feature units squared; 0 = alike, higher = more unlike, biased upwards for few items.

    Raises:
        ValueError: if a set has fewer than two items, or the features differ in number.

    Example:
        >>> x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> round(frechet_distance(x, x + torch.tensor([3.0, 4.0])), 4)
        25.0

    Source: Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X; as a measure of generated
    images: Heusel et al. 2017, doi:10.48550/arXiv.1706.08500.
    """
    if len(a) < 2 or len(b) < 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"{tuple(a.shape)} and {tuple(b.shape)}: two rows or more, equal columns")
    a, b = a.double(), b.double()
    means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    k_a, k_b = (torch.atleast_2d(torch.cov(x.T)) for x in (a, b))
    # tr (K_a K_b)^½ = tr (K_a^½ K_b K_a^½)^½, whose argument is symmetric: real, stable roots
    half = _root(k_a)
    cross = torch.linalg.eigvalsh(half @ k_b @ half).clamp_min(0).sqrt().sum()
    return float((means + k_a.trace() + k_b.trace() - 2 * cross).clamp_min(0))


def appearance(images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n features"]:
    """Colour and texture of each image: per channel mean, spread, and size of the steps between
    neighbouring pixels.

    Args:
        images: in any unit; two pixels a side or more.

    Returns:
        (n, 3 · channels): for all channels the means, then standard deviations, then mean absolute
        differences of neighbours.

    Example:
        >>> appearance(torch.ones(1, 3, 4, 4))
        tensor([[1., 1., 1., 0., 0., 0., 0., 0., 0.]])
    """
    across = (images[..., 1:] - images[..., :-1]).abs().mean((-2, -1))
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean((-2, -1))
    return torch.cat(
        [images.mean((-2, -1)), images.std((-2, -1), correction=0), (across + down) / 2], dim=1
    )


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
