"""CT-like head slices in HU: real anatomy (the MNI152 template), simulated intensities.

Grey matter, white matter and cerebrospinal fluid are mixed by the template's tissue probabilities;
skull and scalp, which the skull-stripped template lacks, are shells at known distances around
the closed brain surface. What this captures and what not: cards/simulated_head_ct.md.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array

_PAD_VOXELS = 16  # at 2 mm: room for 32 mm of skull and scalp around the template
_CLOSING_MM = 20.0  # the inner table follows the hull of the brain, not its sulci


@dataclass(frozen=True)
class HeadTissues:
    """HU and thickness ranges; each slice draws its own values uniformly.

    Grey, white and fluid: the usual ranges of unenhanced CT at 120 kV. Bone is
    compact (the tables) outside and spongy (the diploe) between.
    """

    grey_hu: tuple[float, float] = (37.0, 41.0)
    white_hu: tuple[float, float] = (28.0, 32.0)
    fluid_hu: tuple[float, float] = (0.0, 15.0)
    table_hu: tuple[float, float] = (1100.0, 1500.0)
    diploe_hu: tuple[float, float] = (700.0, 950.0)
    skull_mm: tuple[float, float] = (5.0, 8.0)
    fat_hu: float = -80.0
    skin_hu: float = 45.0
    air_hu: float = -1000.0


@dataclass(frozen=True)
class HeadVariation:
    """How much one slice differs from the next: standard deviations; for elastic, the largest."""

    rotation_deg: float = 5.0
    scale: float = 0.04
    shift_mm: float = 3.0
    elastic_mm: float = 2.0


# Row, column (RAS axis and sign), slice axis, and the range of levels (mm). Rows run to P or I,
# columns to L (to P in sagittal slices), the way such slices are usually shown.
_PLANES = {
    "axial": ((1, -1), (0, -1), 2, (-12.0, 55.0)),
    "coronal": ((2, -1), (0, -1), 1, (-70.0, 35.0)),
    "sagittal": ((2, -1), (1, -1), 0, (-45.0, 45.0)),
}


def ct_slices(
    n: int,
    *,
    rng: np.random.Generator,
    plane: str = "axial",
    pixel_mm: float = 1.0,
    size: int = 256,
    tissues: HeadTissues | None = None,
    variation: HeadVariation | None = None,
) -> Sample:
    """n noise-free head slices in HU, each at its own level with its own small deformation.

    HU = (g HU_grey + w HU_white + f HU_fluid) / (g + w + f) inside the brain's hull, with
    f = max(0, 1 - g - w); outside, piecewise constant in the distance from the hull, joined over
    one pixel as partial volume would.

    Args:
        n: how many slices, >= 1.
        rng: the source of randomness; slice i does not depend on n.
        plane: "axial", "coronal", "sagittal", or "mixed" (each slice one of the three).
        pixel_mm: side of a pixel.
        size: rows and columns; the field of view size * pixel_mm must hold a head (>= 250 mm).
        tissues: HU and thickness ranges.
        variation: spread of rotation, scale, shift and elastic deformation; zeros switch them off.

    Returns:
        Sample of float32 (n, size, size), HU; spacing_mm is that of the last two axes.

    Raises:
        ValueError: n < 1, an unknown plane, or a field of view that cuts the head.

    >>> heads = ct_slices(2, rng=np.random.default_rng(0), size=64, pixel_mm=4.0)
    >>> heads.array.shape, heads.kind, heads.unit
    ((2, 64, 64), 'simulated', 'HU')
    """
    if n < 1:
        raise ValueError(f"n is {n}; ask for at least one slice")
    if plane not in (*_PLANES, "mixed"):
        raise ValueError(f'plane is {plane!r}; choose "axial", "coronal", "sagittal" or "mixed"')
    if size * pixel_mm < 250:
        raise ValueError(
            f"{size} pixels of {pixel_mm:g} mm see {size * pixel_mm:g} mm; a head needs 250 mm, "
            "and the projections of a cut head are truncated"
        )
    tissues = tissues or HeadTissues()
    variation = variation or HeadVariation()
    anatomy = _anatomy()
    array = np.empty((n, size, size), dtype=np.float32)
    for i, own in enumerate(rng.spawn(n)):
        which = list(_PLANES)[own.integers(3)] if plane == "mixed" else plane
        points_mm = _slice_points_mm(
            which, size=size, pixel_mm=pixel_mm, variation=variation, rng=own
        )
        array[i] = _hounsfield(anatomy, points_mm, tissues=tissues, pixel_mm=pixel_mm, rng=own)
    return Sample(
        array,
        name=f"simulated/head_ct_{plane}",
        kind="simulated",
        unit="HU",
        sha256=sha256_of_array(array),
        spacing_mm=(pixel_mm, pixel_mm),
        licence="Apache-2.0 (the generator); the template's terms: see mni152",
        cite="Pixels to Patients, data_fetch/simulated/head_ct.py, on the MNI152 template: "
        "Fonov et al. NeuroImage 2011;54:313-327.",
        doi="10.1016/j.neuroimage.2010.07.033",
        note="real template anatomy, simulated HU; skull and scalp are shells, there is no face",
    )


@dataclass(frozen=True, eq=False)
class _Anatomy:
    """Maps over RAS mm: tissue probabilities, and distance (mm) outside the brain's hull."""

    grey: Float[np.ndarray, "x y z"]
    white: Float[np.ndarray, "x y z"]
    outside_mm: Float[np.ndarray, "u v w"]
    tissue_affine: np.ndarray
    distance_affine: np.ndarray
    centre_mm: np.ndarray


@lru_cache(maxsize=1)
def _anatomy() -> _Anatomy:
    grey, white = mni152("gm"), mni152("wm")
    t1 = mni152("t1")
    # every second voxel, the one at x = 0 among them: the shells are as symmetric as the template
    brain = np.pad(t1.array[::2, ::2, ::2] > 0.05, _PAD_VOXELS)
    affine = t1.affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, _PAD_VOXELS)
    spacing = (2.0, 2.0, 2.0)
    # closing by distances: everything within r of the brain, minus all within r of the rest
    dilated = _distances(brain, spacing, reach_mm=_CLOSING_MM) <= _CLOSING_MM
    hull = _distances(~dilated, spacing) > _CLOSING_MM
    outside = distance_transform_edt(~hull, sampling=spacing)
    inside = _distances(~hull, spacing)
    # both transforms end on voxel centres; the surface lies half a voxel (1 mm) before each
    signed = np.where(hull, 1.0 - inside, outside - 1.0)
    corners = np.argwhere(hull)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    return _Anatomy(
        grey=grey.array,
        white=white.array,
        outside_mm=gaussian_filter(signed, sigma=1.5).astype(np.float32),
        tissue_affine=grey.affine,
        distance_affine=affine,
        centre_mm=(affine @ np.append(middle, 1.0))[:3],
    )


def _distances(
    to: Bool[np.ndarray, "x y z"], spacing: tuple[float, float, float], *, reach_mm: float = 0.0
) -> Float[np.ndarray, "x y z"]:
    """The distances (mm) to the nearest voxel of `to`, computed where they are asked for.

    That is the box around what `to` is not, where `to` is the surroundings of a body, or the box
    around `to` and `reach_mm` beyond; everywhere else the distance is 0, or infinite.
    """
    body = to if reach_mm else ~to
    margins = [int(reach_mm / step) + 1 for step in spacing]
    box = []
    for axis, margin in enumerate(margins):
        (filled,) = body.any(axis=tuple(a for a in range(3) if a != axis)).nonzero()
        box.append(slice(max(0, filled[0] - margin), filled[-1] + margin + 1))
    found = np.full(to.shape, np.inf if reach_mm else 0.0)
    found[tuple(box)] = distance_transform_edt(~to[tuple(box)], sampling=spacing)
    return found


def _slice_points_mm(
    plane: str,
    *,
    size: int,
    pixel_mm: float,
    variation: HeadVariation,
    rng: np.random.Generator,
) -> Float[np.ndarray, "3 size size"]:
    """RAS coordinates (mm) of the pixel centres of one randomly deformed slice."""
    (row_axis, row_sign), (column_axis, column_sign), slice_axis, levels_mm = _PLANES[plane]
    centre = _anatomy().centre_mm
    ticks = (np.arange(size) - (size - 1) / 2) * pixel_mm
    flat = np.zeros((3, size, size))
    flat[row_axis] = row_sign * ticks[:, None]
    flat[column_axis] = column_sign * ticks[None, :]
    angles = np.deg2rad(variation.rotation_deg) * rng.standard_normal(3)
    scales = 1 + variation.scale * np.clip(rng.standard_normal(3), -2, 2)
    points = np.einsum("ij,jrc->irc", _rotation(angles) * scales, flat)
    level = rng.uniform(*levels_mm)
    origin = centre + variation.shift_mm * np.clip(rng.standard_normal(3), -2, 2)
    origin[slice_axis] = level
    return points + origin[:, None, None] + _elastic_mm(size, variation.elastic_mm, rng=rng)


def _rotation(angles_rad: np.ndarray) -> np.ndarray:
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles_rad), np.sin(angles_rad)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _elastic_mm(size: int, largest_mm: float, *, rng: np.random.Generator) -> np.ndarray:
    """A smooth random displacement: cubic B-splines, 6x6 coefficients within +-largest_mm."""
    coefficients = rng.uniform(-largest_mm, largest_mm, size=(3, 6, 6))
    at = np.linspace(1, 4, size)
    grid = np.stack(np.meshgrid(at, at, indexing="ij"))
    return np.stack([map_coordinates(c, grid, order=3, prefilter=False) for c in coefficients])


def _hounsfield(
    anatomy: _Anatomy,
    points_mm: Float[np.ndarray, "3 size size"],
    *,
    tissues: HeadTissues,
    pixel_mm: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "size size"]:
    def at(volume: np.ndarray, affine: np.ndarray, outside: float) -> np.ndarray:
        index = (points_mm - affine[:3, 3, None, None]) / np.diag(affine)[:3, None, None]
        return map_coordinates(volume, index, order=1, mode="constant", cval=outside)

    grey_hu, white_hu, fluid_hu = (
        rng.uniform(*r) for r in (tissues.grey_hu, tissues.white_hu, tissues.fluid_hu)
    )
    table_hu, diploe_hu = rng.uniform(*tissues.table_hu), rng.uniform(*tissues.diploe_hu)
    skull_mm = rng.uniform(*tissues.skull_mm)
    grey = at(anatomy.grey, anatomy.tissue_affine, 0.0)
    white = at(anatomy.white, anatomy.tissue_affine, 0.0)
    fluid = np.maximum(0.0, 1.0 - grey - white)
    brain = (grey * grey_hu + white * white_hu + fluid * fluid_hu) / (grey + white + fluid)

    shells_mm = np.cumsum([1.0, 0.25 * skull_mm, 0.5 * skull_mm, 0.25 * skull_mm, 4.5, 2.0])
    shells_hu = [fluid_hu, table_hu, diploe_hu, table_hu, tissues.fat_hu, tissues.skin_hu]
    outside_mm = at(anatomy.outside_mm, anatomy.distance_affine, 100.0)
    image = np.where(outside_mm <= 0, brain, shells_hu[0])
    for edge_mm, hu in zip(shells_mm, [*shells_hu[1:], tissues.air_hu], strict=True):
        share = np.clip((outside_mm - edge_mm) / pixel_mm + 0.5, 0.0, 1.0)  # partial volume
        image += share * (hu - image)
    return image.astype(np.float32)
