"""What a voxel looks like from near and from far: the first layer of our network, which is fixed.

To learn such filters from a few dozen heads costs more than all the rest of what is learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from medlib.systems.clinic.bright_voxels import in_units_of_brain

__all__ = ["NAMES", "brain_of", "voxel_features"]

Volume = Float[np.ndarray, "slices rows columns"]

WHITE, SPREAD = -0.25, 0.5  # white matter of FLAIR in units of the brain; from studies learned from
_WIDTHS_PX = (0.7, 1.5, 3.0, 6.0)
_CURVED_PX = (1.0, 2.0)
_AROUND_PX = {"like white": (1.5, 3.0, 6.0), "dark": (1.5, 4.0), "bright": (1.5, 3.0, 6.0)}
_DEEPEST_PX = 25.0
NAMES = (
    "itself",
    *(f"blurred by {width}" for width in _WIDTHS_PX),
    *(f"{which} curvature at {width}" for width in _CURVED_PX for which in ("less", "greater")),
    *(f"{kind} within {width}" for kind, widths in _AROUND_PX.items() for width in widths),
    *(f"{what} {where}" for what in ("blurred", "like white") for where in ("above", "below")),
    "depth",
)  # fmt: skip


def brain_of(units: Volume) -> Bool[np.ndarray, "slices rows columns"]:
    """Voxels that are no air, of a volume of `in_units_of_brain`.

    Example:
        >>> brain_of(in_units_of_brain(np.array([[[0.0, 90, 100, 110]]])))
        array([[[False,  True,  True,  True]]])
    """
    return units > -2.5


def voxel_features(volume: Volume) -> Float[np.ndarray, "slices rows columns d"]:
    """For every voxel the numbers of `NAMES`; intensities are in spreads of the brain.

    The voxel; its slice under Gaussians of several widths in pixels; the two eigenvalues of the
    Hessian at two widths, times the width squared (a spot has two large ones, a ribbon of cortex
    one); how much around it looks like white matter, is dark as fluid, or brighter than white
    matter; the slices above and below (at the ends the slice itself); and how deep in the brain it
    lies within its slice, in 25 pixels.

    Args:
        volume: stored values of any scale.

    Example:
        >>> voxel_features(np.random.default_rng(0).random((3, 8, 8))).shape[3] == len(NAMES)
        True

    Source of eigenvalues that tell spots from tubes: Frangi et al. (1998), doi:10.1007/BFb0056195.
    """
    units = in_units_of_brain(volume)
    maps = list(_one_by_one(units))
    found = np.empty((*units.shape, len(NAMES)), dtype=np.float32)
    for k, of_slice in enumerate(found):  # a slice at a time stays within the cache
        for place, one in enumerate(maps):
            of_slice[..., place] = one[k]
    return found


def _one_by_one(units: Volume) -> Iterator[Volume]:
    """The features, in the order of `NAMES`."""
    yield units
    calm = _blurred(units, _WIDTHS_PX[0])
    yield calm
    yield from (_blurred(units, width) for width in _WIDTHS_PX[1:])
    for width in _CURVED_PX:
        rr, cc, rc = (
            width**2 * _blurred(units, width, order=order) for order in ((2, 0), (0, 2), (1, 1))
        )
        middle, reach = (rr + cc) / 2, np.sqrt(((rr - cc) / 2) ** 2 + rc**2)
        yield middle - reach
        yield middle + reach
    maps = {
        "like white": np.exp(-(((calm - WHITE) / SPREAD) ** 2) / 2),
        "dark": (calm < WHITE - 2 * SPREAD).astype(np.float32),
        "bright": (calm > WHITE + 2 * SPREAD).astype(np.float32),
    }
    for kind, widths in _AROUND_PX.items():
        yield from (_blurred(maps[kind], width) for width in widths)
    for near in (_blurred(units, 1.0), maps["like white"]):
        yield np.concatenate([near[:1], near[:-1]])
        yield np.concatenate([near[1:], near[-1:]])
    brain = _blurred(brain_of(units).astype(np.float32), 1.0) > 0.5
    depth = np.stack([distance_transform_edt(one) for one in brain])
    yield np.minimum(depth / _DEEPEST_PX, 1.0)


def _blurred(units: Volume, width_px: float, *, order: tuple[int, int] = (0, 0)) -> Volume:
    """Each slice under a Gaussian or its derivative, as scipy's `gaussian_filter` has it.

    A filter of rows and one of columns are two matrices, the same for every slice and study: to
    multiply by them takes a third of the time.
    """
    down, across = (_weights(n, width_px, order[i]) for i, n in enumerate(units.shape[1:]))
    return down @ units @ across.T


@cache
def _weights(n: int, width_px: float, order: int) -> Float[np.ndarray, "n n"]:
    """What each of n pixels in a row takes from each."""
    found = gaussian_filter1d(np.eye(n), width_px, axis=0, order=order, truncate=3.0)
    return found.astype(np.float32)
