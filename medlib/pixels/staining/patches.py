"""Patches: small squares of large images, cut at random to train on and in rows to test on."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.pixels.staining.misregistration import displaced, displacement


def random_patches(
    *images: Float[Tensor, "_ height width"],
    n: int,
    size: int,
    generator: torch.Generator,
) -> tuple[Tensor, ...]:
    """Cut n squares at random places, the same places in every image, turned and mirrored alike.

    Args:
        images: each (channels, height, width), of one height and width; channels may differ.
        n: patches.
        size: side of a patch in pixels.
        generator: a CPU generator.

    Returns:
        For each image (n, channels, size, size). All patches of a call share one of the eight
        turns and mirrorings of the square.

    Raises:
        ValueError: if the images differ in size, or are smaller than a patch.

    Example:
        >>> x = torch.rand(2, 20, 30)
        >>> a, b = random_patches(x, x + 1, n=4, size=8, generator=torch.Generator().manual_seed(0))
        >>> a.shape, bool((b == a + 1).all())
        (torch.Size([4, 2, 8, 8]), True)
    """
    height, width = images[0].shape[-2:]
    if any(image.shape[-2:] != (height, width) for image in images):
        raise ValueError(f"images of different sizes: {[tuple(i.shape) for i in images]}")
    if size > min(height, width):
        raise ValueError(f"a patch of {size} px does not fit into an image of {height} x {width}")
    rows = torch.randint(height - size + 1, (n,), generator=generator).tolist()
    columns = torch.randint(width - size + 1, (n,), generator=generator).tolist()
    cut = [
        torch.stack([x[:, r : r + size, c : c + size] for r, c in zip(rows, columns, strict=True)])
        for x in images
    ]
    return turned(*cut, generator=generator)


def turned(
    *batches: Float[Tensor, "n _ size size"], generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Turn and mirror batches of squares alike, by one of the square's eight symmetries.

    Args:
        batches: each (n, channels, size, size); channels may differ.
        generator: a CPU generator.

    Returns:
        The batches, all moved by the same symmetry.

    Example:
        >>> x = torch.rand(2, 1, 4, 4)
        >>> a, b = turned(x, 1 - x, generator=torch.Generator().manual_seed(0))
        >>> bool((a + b == 1).all())
        True
    """
    mirror, turns = divmod(int(torch.randint(8, (1,), generator=generator)), 4)
    moved = [torch.rot90(batch, turns, (-2, -1)) for batch in batches]
    return tuple(x.transpose(-2, -1) if mirror else x for x in moved)


def misfit_pairs(
    x: Float[Tensor, "_ height width"],
    y: Float[Tensor, "_ height width"],
    *,
    n: int,
    size: int,
    misfit_px: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Cut n pairs of patches of which the second is displaced, each pair in its own way.

    Patches are cut with a margin, so that what moves in from outside is real.

    Args:
        x: the image that stays.
        y: the image that is displaced.
        n: pairs.
        size: side of a patch in pixels.
        misfit_px: s, as in `displacement`; 0 gives registered pairs.
        generator: a CPU generator.

    Returns:
        (n, channels, size, size) of x and of y.

    Raises:
        ValueError: as `random_patches` and `displacement`.

    Example:
        >>> x = torch.rand(1, 40, 40)
        >>> own = torch.Generator().manual_seed(0)
        >>> a, b = misfit_pairs(x, x, n=2, size=8, misfit_px=2.0, generator=own)
        >>> a.shape == b.shape, bool((a == b).all())
        (True, False)
    """
    margin = math.ceil(1.5 * misfit_px)
    side = size + 2 * margin
    a, b = random_patches(x, y, n=n, size=side, generator=generator)
    u = displacement(n, height=side, width=side, misfit_px=misfit_px, generator=generator)
    if misfit_px:
        b = displaced(b, by_px=u.to(b))
    inner = slice(margin, margin + size)
    return a[..., inner, inner], b[..., inner, inner]


def tiles(
    images: Float[Tensor, "n channels height width"], *, size: int
) -> Float[Tensor, "m channels size size"]:
    """Cut images into squares side by side; what is left at the right and below is dropped.

    Args:
        images: any number.
        size: side of a square in pixels.

    Returns:
        The squares, image by image, row by row.

    Raises:
        ValueError: if not one square fits.

    Example:
        >>> tiles(torch.zeros(2, 1, 9, 12), size=4).shape
        torch.Size([12, 1, 4, 4])
    """
    n, channels, height, width = images.shape
    rows, columns = height // size, width // size
    if not rows * columns:
        raise ValueError(f"not one square of {size} px fits into {height} x {width}")
    cut = images[..., : rows * size, : columns * size]
    cut = cut.reshape(n, channels, rows, size, columns, size).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(-1, channels, size, size)
