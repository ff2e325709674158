"""Where slices lie: sorted along their normal, evenly spaced, of a size that is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydicom import Dataset

__all__ = ["has_spacing", "in_order", "normal_of", "place_of"]

Refuse = Callable[[str, str], None]


def place_of(one: Dataset) -> tuple[str, ...]:
    """Of its first voxel, to a micrometre, to be compared; empty if it is not said."""
    return tuple(f"{float(x):.3f}" for x in one.get("ImagePositionPatient", None) or ())


def normal_of(one: Dataset) -> np.ndarray:
    """The direction that rows and columns are at right angles to."""
    along = np.array(one.ImageOrientationPatient, float)
    return np.cross(along[:3], along[3:])


def has_spacing(images: Sequence[Dataset], *, refuse: Refuse) -> None:
    """Refuse images that do not say how large a pixel is, or do not say it alike."""
    found = [_spacing(one) for one in images]
    if bad := sum(len(each) != 2 or not all(0 < x < np.inf for x in each) for each in found):
        text = f"{bad} of {len(found)} images do not say how large a pixel is: no volume in ml"
        refuse("missing spacing", text)
        return
    sizes = {
        (*each, int(one.Rows), int(one.Columns)) for each, one in zip(found, images, strict=True)
    }
    if len(sizes) > 1:
        refuse("mixed series", "images differ in their size or in the size of their pixels")


def in_order(
    images: Sequence[Dataset],
    *,
    tolerance_mm: float,
    spacing_mm: tuple[float, float, float],
    tolerance: float,
    refuse: Refuse,
) -> list[Dataset]:
    """Sorted along the normal; whatever is not parallel, straight, even or known is refused.

    Args:
        images: of one study.
        tolerance_mm: by which places may be off.
        spacing_mm: between slices, rows and columns, as the networks know it.
        tolerance: of it, as a share.
        refuse: is told the fault, and a sentence.
    """
    kept = list(images)
    for name, count in (("ImagePositionPatient", 3), ("ImageOrientationPatient", 6)):
        if any(len(one.get(name, None) or ()) != count for one in kept):
            refuse("no place", f"images without {name} cannot be sorted")
            return kept
    axes = np.array([one.ImageOrientationPatient for one in kept], float)
    if np.abs(axes - axes[0]).max() > 1e-3:
        refuse("mixed series", "images are not parallel")
        return kept
    normal, lengths = normal_of(kept[0]), np.linalg.norm(axes[0].reshape(2, 3), axis=1)
    if np.abs([*lengths - 1, np.linalg.norm(normal) - 1]).max() > 0.01:
        refuse("no place", "directions of rows and columns are not of length 1 at right angles")
        return kept
    kept = sorted(kept, key=lambda one: normal @ np.array(one.ImagePositionPatient, float))
    places = np.array([one.ImagePositionPatient for one in kept], float)
    steps = np.diff(places @ normal)
    if len(steps) and np.ptp(steps) > tolerance_mm:
        text = f"steps between slices run from {steps.min():.1f} to {steps.max():.1f} mm"
        refuse("missing slices", text)
    elif len(steps) and any(abs(said - steps[0]) > tolerance_mm for said in _steps_said(kept)):
        refuse("missing slices", f"slices lie {steps[0]:.1f} mm apart; headers say otherwise")
    aside = places - np.outer(places @ normal, normal)
    if np.abs(aside - aside[0]).max() > tolerance_mm * max(len(kept), 1):
        refuse("sheared", "slices are shifted in their planes: a tilted gantry")
    found = (float(np.median(steps)) if len(steps) else spacing_mm[0], *_spacing(kept[0]))
    if any(abs(a - b) > tolerance * b for a, b in zip(found, spacing_mm, strict=False)):
        sizes = " x ".join(f"{each:.1f}" for each in found)
        refuse("another size", f"voxels of {sizes} mm; the networks learned from others")
    return kept


def _spacing(one: Dataset) -> tuple[float, ...]:
    try:
        return tuple(float(x) for x in one.get("PixelSpacing", None) or ())
    except (TypeError, ValueError):
        return ()


def _steps_said(images: Sequence[Dataset]) -> set[float]:
    """Of SpacingBetweenSlices, where there is one; infinite where it is no number."""
    try:
        return {float(x) for one in images if (x := one.get("SpacingBetweenSlices")) is not None}
    except (TypeError, ValueError):
        return {np.inf}
