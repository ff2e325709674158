"""FLAIR-like slices of one head, with lesions in its white matter whose every voxel is known.

Real anatomy, of the template that is handed in; simulated intensities and lesions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import expit

__all__ = ["COLUMNS", "FLAIR", "ROWS", "T1", "Head", "Tissues", "simulated_head"]

ROWS, COLUMNS, PIXEL_MM = 110, 94, 2.0  # no multiple of 8 pixels, as in many a real matrix
SLICES, STEP_MM, LOWEST_MM = 12, 5.0, -6.0
FLAIR = (0.68, 0.55, 0.12)  # grey matter, white matter, fluid
T1 = (0.50, 0.72, 0.18)
_DEEP_WHITE, _SOME_WHITE = 0.8, 0.5  # where a lesion may begin, and where it may reach
_MOST = 5


@dataclass(frozen=True, eq=False)
class Tissues:
    """Maps of a template, at one resolution.

    Attributes:
        grey, white: probabilities, 0..1.
        brain: 1 in the brain, 0 outside.
        affine: from voxel to mm, RAS+.
    """

    grey: Float[np.ndarray, "x y z"]
    white: Float[np.ndarray, "x y z"]
    brain: Float[np.ndarray, "x y z"]
    affine: Float[np.ndarray, "4 4"]


@dataclass(frozen=True, eq=False)
class Head:
    """Slices from below to above; rows run to P, columns to L.

    Attributes:
        volume: intensity, white matter about 0.55 in FLAIR.
        lesions: True where a lesion is.
        spacing_mm: between slices, rows, columns.
        white: share of white matter, as it was simulated: a map in perfect register, which no
            hospital has; None if it is not known.
    """

    volume: Float[np.ndarray, "slices rows columns"]
    lesions: Bool[np.ndarray, "slices rows columns"]
    spacing_mm: tuple[float, float, float]
    white: Float[np.ndarray, "slices rows columns"] | None = None

    @property
    def has_lesion(self) -> bool:
        """Whether there is any."""
        return bool(self.lesions.any())


def simulated_head(
    tissues: Tissues,
    *,
    rng: np.random.Generator,
    with_lesions: bool,
    contrast: tuple[float, float, float] = FLAIR,
    noise_sd: float = 0.03,
    radius_mm: tuple[float, float] = (3.0, 7.0),
    brightness: tuple[float, float] = (0.25, 0.5),
) -> Head:
    r"""A head of 12 slices of 5 mm, warped in its own way.

    Tissues are mixed by their probabilities. A lesion lifts the intensity of white matter by its
    brightness times :math:`1/(1 + e^{(\rho - r)/b})`, with :math:`\rho` the distance from its
    middle in mm, r its radius and b = 0.7 mm; its mask is where :math:`\rho < r` and most of the
    tissue is white.

    Args:
        tissues: of a template.
        rng: the source of randomness.
        with_lesions: one to five of them, or none.
        contrast: of grey matter, white matter and fluid.
        noise_sd: of the noise.
        radius_mm, brightness: ranges, drawn from evenly (the radius on a logarithmic scale).

    Raises:
        ValueError: noise below 0, or a range that does not rise from above 0.

    Example:
        >>> maps = [np.full((98, 116, 94), share) for share in (0.2, 0.8, 1.0)]
        >>> affine = np.diag([2.0, 2, 2, 1]); affine[:3, 3] = (-97, -133, -71)
        >>> rng = np.random.default_rng(0)
        >>> head = simulated_head(Tissues(*maps, affine), rng=rng, with_lesions=False)
        >>> head.volume.shape, head.has_lesion
        ((12, 110, 94), False)
    """
    if noise_sd < 0 or not all(0 < low <= high for low, high in (radius_mm, brightness)):
        raise ValueError(
            f"noise_sd={noise_sd} (>= 0), radius_mm={radius_mm}, brightness={brightness} (rising"
            " from above 0): one is outside its range"
        )
    points, place_mm = _warped(rng)
    at = np.einsum("ij,j...->i...", np.linalg.inv(tissues.affine), points)[:3]
    grey, white, brain = (
        map_coordinates(each, at, order=1, mode="constant")
        for each in (tissues.grey, tissues.white, tissues.brain)
    )
    fluid = np.clip(brain - grey - white, 0, 1)
    lift, lesions = np.zeros_like(white), np.zeros(white.shape, dtype=bool)
    deep = np.argwhere(white > _DEEP_WHITE)
    for _ in range(min(1 + rng.poisson(1.5), _MOST) if with_lesions and len(deep) else 0):
        middle = place_mm[(slice(None), *deep[rng.integers(len(deep))])]
        radius = np.exp(rng.uniform(*np.log(radius_mm)))
        stretch = rng.uniform(0.7, 1.3, size=3)
        apart = (place_mm - middle[:, None, None, None]) * stretch[:, None, None, None]
        rho = np.sqrt((apart**2).sum(axis=0))
        lift = np.maximum(lift, rng.uniform(*brightness) * expit((radius - rho) / 0.7))
        lesions |= (rho < radius) & (white > _SOME_WHITE)
    levels = np.array(contrast) * rng.uniform(0.96, 1.04, size=3)
    clean = levels[0] * grey + levels[1] * white * (1 + lift) + levels[2] * fluid
    field = gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), 25)
    clean *= 1 + 0.08 * field / max(np.abs(field).max(), 1e-9)
    clean = gaussian_filter(clean, (0, *[rng.uniform(0.3, 0.6)] * 2))
    volume = np.clip(clean + rng.normal(0, noise_sd, size=clean.shape), 0, None)
    spacing = (STEP_MM, PIXEL_MM, PIXEL_MM)
    return Head(volume.astype(np.float32), lesions, spacing, white.astype(np.float32))


def _warped(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of the template behind each voxel (homogeneous), and the voxels' places in mm."""
    down = (np.arange(ROWS) - (ROWS - 1) / 2) * PIXEL_MM
    across = (np.arange(COLUMNS) - (COLUMNS - 1) / 2) * PIXEL_MM
    up = LOWEST_MM + STEP_MM * np.arange(SLICES)
    z, y, x = np.meshgrid(up, -down, -across, indexing="ij")
    angle = np.deg2rad(rng.normal(0, 5))
    scale = 1 + 0.05 * np.clip(rng.standard_normal(3), -2, 2)
    shift = 3 * np.clip(rng.standard_normal(3), -2, 2) + (0, -18, 0)
    bend = np.stack([gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), 10) for _ in range(3)])
    bend *= 4.0 / max(np.abs(bend).max(), 1e-9)
    tilt = np.tan(np.deg2rad(rng.normal(0, 4, size=2)))
    mirror = rng.choice([-1.0, 1.0])
    turned_x = scale[0] * (np.cos(angle) * x - np.sin(angle) * y) + shift[0] + bend[0]
    turned_y = scale[1] * (np.sin(angle) * x + np.cos(angle) * y) + shift[1] + bend[1]
    turned_z = scale[2] * z + tilt[0] * x + tilt[1] * y + shift[2] + bend[2]
    return np.stack([mirror * turned_x, turned_y, turned_z, np.ones_like(z)]), np.stack([z, y, x])
