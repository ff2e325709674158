"""Stains in colour: how much of each dye is in a pixel, and the pixel's colour from the dyes.

A dye absorbs red, green and blue in fixed proportions, its stain vector. Densities of several dyes
add, so three dyes and three colours make a linear system of three equations: unmixing is a 3 × 3
inverse.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Optical density in red, green and blue, up to scale (Ruifrok and Johnston 2001).
HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)
DAB = (0.268, 0.570, 0.776)

Vector = tuple[float, float, float]


def stain_matrix(
    first: Vector, second: Vector, third: Vector | None = None
) -> Float[Tensor, "3 3"]:
    """Rows of unit length: the colours of three dyes in optical density.

    Without a third dye, its row is the direction at a right angle to both others: whatever two
    dyes cannot explain ends up there.

    Args:
        first: optical density of one dye in red, green, blue, up to scale.
        second: of another.
        third: of a third, or None.

    Returns:
        (3, 3), float64; density = stains @ matrix for row vectors.

    Raises:
        ValueError: if the dyes cannot be told apart (the matrix is nearly singular).

    Example:
        >>> (stain_matrix(HAEMATOXYLIN, DAB)[:2] * 100).round()
        tensor([[65., 70., 29.],
                [27., 57., 78.]], dtype=torch.float64)

    Source: Ruifrok and Johnston 2001, Anal. Quant. Cytol. Histol. 23:291-299.
    """
    rows = [torch.tensor(v, dtype=torch.float64) for v in (first, second)]
    rows.append(
        torch.linalg.cross(rows[0], rows[1])
        if third is None
        else torch.tensor(third, dtype=torch.float64)
    )
    matrix = torch.stack(rows)
    lengths = matrix.norm(dim=1, keepdim=True)
    if bool((lengths < 1e-9).any()):
        raise ValueError(f"stain vectors {first}, {second}, {third}: one is zero, or two are alike")
    matrix = matrix / lengths
    if float(torch.linalg.det(matrix).abs()) < 1e-3:
        raise ValueError(
            f"stain vectors {first}, {second}, {third} nearly lie in one plane: these dyes cannot "
            "be told apart by colour"
        )
    return matrix


def separate_stains(
    density: Float[Tensor, "n 3 height width"], *, matrix: Float[Tensor, "3 3"]
) -> Float[Tensor, "n 3 height width"]:
    """How much of each dye is in every pixel: stains = density · matrix⁻¹.

    Nothing is clipped, so `recompose_stains` gives the density back exactly. Negative amounts mean
    that noise, or a colour that no mixture of these dyes has, was explained away.

    Args:
        density: optical density of red, green and blue.
        matrix: from `stain_matrix`.

    Returns:
        Amounts of the three dyes; one unit gives density 1 along the dye's vector.

    Example:
        >>> matrix = stain_matrix(HAEMATOXYLIN, DAB)
        >>> pixel = 0.5 * matrix[0]  # half a unit of haematoxylin, nothing else
        >>> amounts = separate_stains(pixel.reshape(1, 3, 1, 1), matrix=matrix)
        >>> amounts.flatten().float().round(decimals=4)
        tensor([0.5000, 0.0000, 0.0000])

    Source: Ruifrok and Johnston 2001; scikit-image's `separate_stains` is its equal up to a factor
    of 6 and clipping (its logarithm has the base 10⁻⁶).
    """
    inverse = torch.linalg.inv(matrix.double()).to(density)
    return torch.einsum("nchw,cs->nshw", density, inverse)


def recompose_stains(
    stains: Float[Tensor, "n 3 height width"], *, matrix: Float[Tensor, "3 3"]
) -> Float[Tensor, "n 3 height width"]:
    """The density that these amounts of dye make: density = stains · matrix.

    Args:
        stains: amounts of the three dyes.
        matrix: from `stain_matrix`.

    Returns:
        Optical density of red, green and blue; `transmitted` makes it visible.

    Example:
        >>> amounts = torch.zeros(1, 3, 1, 1)
        >>> recompose_stains(amounts, matrix=stain_matrix(HAEMATOXYLIN, EOSIN)).abs().sum().item()
        0.0
    """
    return torch.einsum("nshw,sc->nchw", stains, matrix.to(stains))
