"""Colour and texture of an image in a few numbers, blind to where anything lies.

With `measures.frechet` they say whether two sets of images look alike as a crowd, without pairs.
That is their use and their danger: a set with every nucleus in the wrong place can score perfectly.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


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
