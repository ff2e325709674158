"""How far the surfaces of two masks lie apart, in millimetres, however unlike the pixel's sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_erosion, distance_transform_edt

__all__ = ["SurfaceDistances", "surface_distances"]


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """For each pixel of one surface, the distance to the other; both ways, in mm.

    Of two empty masks both are empty; where one mask is empty, nothing can be measured, and both
    are empty, too. What that is worth is the caller's choice: it decides who wins.
    """

    to_truth: Float[np.ndarray, " predicted_surface"]
    to_predicted: Float[np.ndarray, " true_surface"]
    empty: tuple[bool, bool]

    def hausdorff_mm(
        self, *, percentile: float = 95.0, one_empty: float = np.nan, both_empty: float = np.nan
    ) -> float:
        """The larger of the two percentiles of distance; at 100 it is Hausdorff's.

        Args:
            percentile: of each set of distances, in per cent.
            one_empty, both_empty: what it is worth where there is no surface, in mm. A miss that
                costs nothing rewards the empty mask: the image's diagonal is a price, nan none.

        Source: Huttenlocher et al. (1993), doi:10.1109/34.232073.
        """
        if any(self.empty):
            return float(both_empty if all(self.empty) else one_empty)
        return float(max(np.percentile(d, percentile) for d in (self.to_truth, self.to_predicted)))

    def within(
        self, tolerance_mm: float, *, one_empty: float = 0.0, both_empty: float = np.nan
    ) -> float:
        """The share of both surfaces that lies within a tolerance: normalised surface Dice.

        Surface pixels are counted, not the area that they stand for.

        Args:
            tolerance_mm: as far as two readers lie apart, for example.
            one_empty, both_empty: what it is worth where there is no surface.

        Raises:
            ValueError: the tolerance is negative.

        Source: Nikolov et al. (2021), doi:10.2196/26151.
        """
        if tolerance_mm < 0:
            raise ValueError(f"tolerance_mm = {tolerance_mm} must not be negative")
        if any(self.empty):
            return float(both_empty if all(self.empty) else one_empty)
        distances = np.concatenate([self.to_truth, self.to_predicted])
        return float((distances <= tolerance_mm).mean())


def surface_distances(
    predicted: Bool[np.ndarray, " *grid"],
    truth: Bool[np.ndarray, " *true_grid"],
    *,
    spacing_mm: Sequence[float],
) -> SurfaceDistances:
    """Measure from each surface to the other.

    A pixel of the mask is on the surface if one of its neighbours along an axis is not in the mask,
    or lies outside the image: what leaves the image ends there. It is MONAI's rule.

    Args:
        predicted, truth: masks of one scan, in two or three dimensions.
        spacing_mm: the pixel's side along each axis.

    Raises:
        ValueError: shapes differ, or the spacing is not one positive number an axis.

    Example:
        >>> truth = np.zeros((9, 9), dtype=bool)
        >>> truth[3:6, 3:6] = True
        >>> shifted = np.roll(truth, 1, axis=0)
        >>> surface_distances(shifted, truth, spacing_mm=(2.0, 1.0)).hausdorff_mm(percentile=100)
        2.0
    """
    predicted, truth = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    spacing = np.asarray(spacing_mm, dtype=float)
    if predicted.shape != truth.shape:
        raise ValueError(f"predicted {predicted.shape} and truth {truth.shape} differ in shape")
    if spacing.shape != (truth.ndim,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(
            f"spacing_mm = {spacing_mm} must hold {truth.ndim} positive numbers, one for each axis"
        )
    empty = not predicted.any(), not truth.any()
    if any(empty):
        return SurfaceDistances(np.empty(0), np.empty(0), empty)
    box = _common_box(predicted | truth)
    edges = [_surface(mask[box]) for mask in (predicted, truth)]
    to_truth, to_predicted = (
        distance_transform_edt(~edges[other], sampling=spacing)[edges[own]]
        for own, other in ((0, 1), (1, 0))
    )
    return SurfaceDistances(to_truth, to_predicted, empty)


def _surface(mask: Bool[np.ndarray, " *grid"]) -> Bool[np.ndarray, " *grid"]:
    return mask & ~binary_erosion(mask)


def _common_box(mask: Bool[np.ndarray, " *grid"]) -> tuple[slice, ...]:
    """The smallest box around a mask: beyond it is nothing, as beyond the image."""
    return tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))
