"""One field of tissue: from a picture's bytes to an image to learn from, and back to a picture."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional


def field_of(picture: UInt8[np.ndarray, "height width 3"]) -> Float[Tensor, "1 3 h w"]:
    """Every second pixel in each direction, averaged, as light between 0 and 1.

    Args:
        picture: in colour; an odd last row or column is left out.

    Raises:
        ValueError: it is smaller than two pixels, or not in colour.

    Example:
        >>> field_of(np.full((5, 8, 3), 255, dtype=np.uint8)).shape
        torch.Size([1, 3, 2, 4])
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < 2:
        raise ValueError(
            f"a picture of shape {picture.shape}; it must be (height, width, 3), two pixels or more"
            " a side"
        )
    light = torch.from_numpy(picture / np.float32(255)).permute(2, 0, 1)[None]
    return functional.avg_pool2d(light, 2)


def stacked_pairs(
    pairs: UInt8[np.ndarray, "n 2 height width 3"], *, training_share: float = 2 / 3
) -> tuple[Tensor, Tensor, int]:
    """Registered pairs, laid below each other as two tall fields: unstained and stained.

    A patch that is cut from them may lie across the seam of two pairs, in both fields alike.

    Args:
        pairs: two or more; of each the unstained picture, then the stained one.
        training_share: of the pairs that train, the first ones; one at least trains and one tests.

    Returns:
        Unstained and stained (1, 3, n · height / 2, width / 2), and the row where testing begins.

    Raises:
        ValueError: fewer than two pairs.

    Example:
        >>> x, y, cut = stacked_pairs(np.zeros((3, 2, 8, 6, 3), dtype=np.uint8))
        >>> x.shape, y.shape == x.shape, cut
        (torch.Size([1, 3, 12, 3]), True, 8)
    """
    if len(pairs) < 2:
        raise ValueError(f"{len(pairs)} pair(s); one trains and one tests, so two are needed")
    fields = [
        torch.cat([field_of(picture) for picture in pairs[:, kind]], dim=2) for kind in (0, 1)
    ]
    training = min(len(pairs) - 1, max(1, round(training_share * len(pairs))))
    return fields[0], fields[1], training * (fields[0].shape[2] // len(pairs))


def picture(image: Float[Tensor, "*batch 3 height width"]) -> Float[np.ndarray, "height width 3"]:
    """The first image of a batch, or the image, as colours that can be drawn.

    Example:
        >>> picture(torch.full((1, 3, 2, 4), 1.5)).max()
        np.float32(1.0)
    """
    first = image.detach().reshape(-1, *image.shape[-3:])[0]
    return first.permute(1, 2, 0).clamp(0, 1).cpu().numpy()


def glow_picture(unstained: Float[Tensor, "1 3 height width"]) -> Float[np.ndarray, "h w 3"]:
    """Three channels of glow as red, green and blue, each scaled to its own brightest."""
    return picture(unstained / unstained.amax((-2, -1), keepdim=True))
