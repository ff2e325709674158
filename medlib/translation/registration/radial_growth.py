"""A lesion that grows and pushes: a map whose Jacobian is known everywhere.

With r the distance from the lesion's centre, r₀ its radius, R how far it pushes, k the growth of
its volume (in the plane, of its area) and s = r^D, the map moves along rays, s ↦ p(s):

    p = k s             inside, r ≤ r₀:      det J = k
    p linear            from r₀ to R:        det J = (R^D - k r₀^D) / (R^D - r₀^D) < 1
    p = s               beyond:              det J = 1

since det J = dp/ds. Tissue around the lesion is compressed, evenly, and nothing moves beyond R. The
same formula with the lesion's later radius and 1/k leads back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medlib.translation.registration.displacement import checked_spacing

__all__ = ["RadialGrowth", "radial_growth"]


@dataclass(frozen=True, eq=False)
class RadialGrowth:
    """Of one lesion, from an earlier scan to a later one, on one grid.

    Attributes:
        by_voxels: u from the earlier to the later scan: what a registration with the earlier scan
            fixed should find.
        back_voxels: u from the later to the earlier one: the later image is the earlier one warped
            by it.
        determinant: det J of the former, voxel by voxel, at the voxel's centre.
        before, after: the lesion in either scan.
        volume_ratio: k.
    """

    by_voxels: Float[Tensor, "1 dims *grid"]
    back_voxels: Float[Tensor, "1 dims *grid"]
    determinant: Float[Tensor, " 1 *grid"]
    before: Bool[Tensor, " 1 *grid"]
    after: Bool[Tensor, " 1 *grid"]
    volume_ratio: float


def radial_growth(
    *,
    grid: Sequence[int],
    spacing_mm: Sequence[float],
    centre_mm: Sequence[float],
    radius_mm: float,
    reach_mm: float,
    volume_ratio: float,
) -> RadialGrowth:
    """The map of a round lesion that grows to `volume_ratio` times its volume, or shrinks.

    Args:
        grid: voxels along each axis.
        spacing_mm: the voxel's side along each axis.
        centre_mm: the lesion's, from the centre of the first voxel.
        radius_mm: r₀, before.
        reach_mm: R.
        volume_ratio: k, positive; below 1 it shrinks.

    Returns:
        double precision, in voxels.

    Raises:
        ValueError: no size, or a lesion that does not fit into its reach, before or after.

    Example:
        >>> grown = radial_growth(grid=(41, 41), spacing_mm=(1.0, 1.0), centre_mm=(20.0, 20.0),
        ...                       radius_mm=5.0, reach_mm=18.0, volume_ratio=1.44)
        >>> by = grown.by_voxels[0]
        >>> round(float(by[1, 20, 25]), 6)                       # the rim: from 5 to 6 mm
        1.0
    """
    dims = len(tuple(grid))
    sides = np.array(checked_spacing(spacing_mm, dims=dims))
    if len(tuple(centre_mm)) != dims:
        raise ValueError(f"centre_mm={centre_mm}: {dims} numbers, one for each axis")
    if not radius_mm > 0 or not volume_ratio > 0:
        raise ValueError(f"radius_mm={radius_mm}, volume_ratio={volume_ratio}: positive")
    later_mm = radius_mm * volume_ratio ** (1 / dims)
    if not max(radius_mm, later_mm) < reach_mm:
        raise ValueError(
            f"the lesion's radius is {radius_mm} mm before and {later_mm:.3g} mm after:"
            f" reach_mm={reach_mm} must be more than both"
        )
    shape = [-1, *[1] * dims]
    voxels = np.indices(tuple(grid)).astype(float)
    away = voxels * sides.reshape(shape) - np.reshape(np.asarray(centre_mm, float), shape)
    r = np.linalg.norm(away, axis=0)

    def field(inner_mm: float, ratio: float) -> Tensor:
        stretch = _moved(r, inner_mm, reach_mm, ratio, dims) / np.where(r > 0, r, 1)
        by = away * (np.where(r > 0, stretch, ratio ** (1 / dims)) - 1) / sides.reshape(shape)
        return torch.from_numpy(by)[None]

    squeezed = reach_mm**dims - volume_ratio * radius_mm**dims
    squeezed /= reach_mm**dims - radius_mm**dims
    det = np.select([r <= radius_mm, r <= reach_mm], [volume_ratio, squeezed], 1.0)
    masks = (torch.from_numpy(r <= radius)[None] for radius in (radius_mm, later_mm))
    return RadialGrowth(
        field(radius_mm, volume_ratio),
        field(later_mm, 1 / volume_ratio),
        torch.from_numpy(det)[None],
        *masks,
        float(volume_ratio),
    )


def _moved(r: np.ndarray, inner: float, reach: float, ratio: float, dims: int) -> np.ndarray:
    """φ(r) = p(r^D)^(1/D)."""
    s, s0, s1 = r**dims, inner**dims, reach**dims
    between = ratio * s0 + (s - s0) * (s1 - ratio * s0) / (s1 - s0)
    return np.select([s <= s0, s <= s1], [ratio * s, between], s) ** (1 / dims)
