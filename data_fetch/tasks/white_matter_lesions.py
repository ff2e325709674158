"""FLAIR-like brain slices with small bright lesions whose every pixel is known.

Real anatomy (the MNI152 template), simulated intensities and lesions: no claim about patients.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import expit

from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.segmented import Segmented

ROWS, COLUMNS, PIXEL_MM = 112, 96, 2.0  # the whole brain of the template, with a margin
MOST_LESIONS = 5
_LEVELS_MM = (-2.0, 46.0)  # axial levels with much white matter
_DEEP_WHITE = 0.8  # probability of white matter where a lesion may begin
_SOME_WHITE = 0.5  # and where it may reach: elsewhere it would not be seen


@dataclass(frozen=True)
class LesionLook:
    """Ranges from which each lesion draws; brightness is a share of white matter's own.

    Radii are drawn evenly on a logarithmic scale: small lesions are the frequent ones.
    """

    radius_mm: tuple[float, float] = (1.5, 6.0)
    brightness: tuple[float, float] = (0.2, 0.5)
    aspect: tuple[float, float] = (0.6, 1.0)
    wobble: float = 0.15
    edge_mm: float = 0.7


def white_matter_lesions(
    n: int,
    *,
    rng: np.random.Generator,
    empty_share: float = 0.2,
    noise_sd: float = 0.03,
    bias: float = 0.08,
    look: LesionLook | None = None,
) -> Segmented:
    r"""n axial slices, each of a brain warped in its own way, with 0 to 5 lesions.

    Grey matter, white matter and fluid are mixed by the template's tissue probabilities, with
    FLAIR's order: fluid dark, grey matter a little brighter than white. A lesion is a blob around a
    place in white matter, of radius $r(\theta)$ with a few waves, and lifts the intensity by its
    brightness times $1/(1 + e^{(\rho - r)/b})$, with $\rho$ the distance from its middle and $b$
    the width of its edge. Its mask is where $\rho < r$ and most of the tissue is white. A smooth
    field of brightness, the scanner's blur and Gaussian noise come last.

    Args:
        n: how many, >= 1.
        rng: the source of randomness; slice i does not depend on n.
        empty_share: the share of slices without any lesion, 0..1.
        noise_sd: of the noise, where white matter is about 0.55.
        bias: the largest relative brightening or darkening by the smooth field, 0..0.5.
        look: ranges of the lesions.

    Returns:
        Segmented float32 slices (n, 112, 96) of 2 mm, rows to P and columns to L.

    Raises:
        ValueError: a number outside its range.

    >>> slices, masks = white_matter_lesions(2, rng=np.random.default_rng(0))
    >>> slices.array.shape, slices.kind, masks.shape
    ((2, 112, 96), 'simulated', (2, 112, 96))
    """
    look = look or LesionLook()
    if n < 1 or not 0 <= empty_share <= 1 or noise_sd < 0 or not 0 <= bias <= 0.5:
        raise ValueError(
            f"n={n} (>= 1), empty_share={empty_share} (0..1), noise_sd={noise_sd} (>= 0),"
            f" bias={bias} (0..0.5): one is outside its range"
        )
    if not 0 < look.radius_mm[0] <= look.radius_mm[1] or look.edge_mm <= 0:
        raise ValueError(
            f"radius_mm={look.radius_mm} must rise from above 0, edge_mm={look.edge_mm} be above 0"
        )
    images = np.empty((n, ROWS, COLUMNS), dtype=np.float32)
    masks = np.empty((n, ROWS, COLUMNS), dtype=bool)
    for i, own in enumerate(rng.spawn(n)):
        tissues = _warped_tissues(own)
        lesion, masks[i] = _lesions(tissues, look=look, empty_share=empty_share, rng=own)
        images[i] = _scanned(tissues, lesion, noise_sd=noise_sd, bias=bias, rng=own)
    template = mni152("wm")
    sample = Sample(
        images,
        name="simulated/white_matter_lesions",
        kind="simulated",
        unit="intensity, white matter about 0.55",
        sha256=sha256_of_array(images),
        spacing_mm=(PIXEL_MM, PIXEL_MM),
        licence=f"Apache-2.0 (the generator); the template: {template.licence}",
        cite="Pixels to Patients, data_fetch/tasks/white_matter_lesions.py, on: " + template.cite,
        doi=template.doi,
        orientation="rows to P, columns to L",
        note="real anatomy of one averaged brain, warped; simulated intensities and lesions",
    )
    return Segmented(sample=sample, masks=masks, what="lesion")


@dataclass(frozen=True, eq=False)
class _Tissues:
    """Probabilities of one slice."""

    grey: Float[np.ndarray, "rows columns"]
    white: Float[np.ndarray, "rows columns"]
    fluid: Float[np.ndarray, "rows columns"]


@lru_cache(maxsize=1)
def _maps() -> tuple[Float[np.ndarray, "maps x y z"], np.ndarray]:
    """Grey and white matter and the brain, at 2 mm, and their affine."""
    grey, white, t1 = (mni152(kind, resolution_mm=2) for kind in ("gm", "wm", "t1"))
    brain = (gaussian_filter(t1.array, 1.0) > 0.2).astype(np.float32)
    maps = np.stack([grey.array, white.array, brain])
    maps.flags.writeable = False
    return maps, np.linalg.inv(grey.affine)


def _warped_tissues(rng: np.random.Generator) -> _Tissues:
    """An axial slice of the template, turned, scaled, shifted and bent."""
    maps, to_index = _maps()
    down = (np.arange(ROWS) - (ROWS - 1) / 2) * PIXEL_MM
    across = (np.arange(COLUMNS) - (COLUMNS - 1) / 2) * PIXEL_MM
    y, x = np.meshgrid(-down, -across, indexing="ij")
    angle = np.deg2rad(rng.normal(0, 5))
    scale = 1 + 0.05 * np.clip(rng.standard_normal(2), -2, 2)
    shift = 3 * np.clip(rng.standard_normal(2), -2, 2)
    mirror = rng.choice([-1.0, 1.0])
    bend = np.stack([gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), 10) for _ in range(3)])
    bend *= 4.0 / max(np.abs(bend).max(), 1e-9)
    level, tilt = rng.uniform(*_LEVELS_MM), np.deg2rad(rng.normal(0, 4, size=2))
    turned_x = scale[0] * (np.cos(angle) * x - np.sin(angle) * y) + shift[0] + bend[0]
    turned_y = scale[1] * (np.sin(angle) * x + np.cos(angle) * y) + shift[1] + bend[1] - 18.0
    z = level + np.tan(tilt[0]) * x + np.tan(tilt[1]) * y + bend[2]
    points = np.stack([mirror * turned_x, turned_y, z, np.ones_like(z)])
    at = np.einsum("ij,jrc->irc", to_index, points)[:3]
    grey, white, brain = (map_coordinates(each, at, order=1, mode="constant") for each in maps)
    return _Tissues(grey, white, np.clip(brain - grey - white, 0, 1))


def _lesions(
    tissues: _Tissues, *, look: LesionLook, empty_share: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "rows columns"], Bool[np.ndarray, "rows columns"]]:
    """How much the lesions lift the intensity, and where they are."""
    lift, mask = np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS), dtype=bool)
    count = 0 if rng.random() < empty_share else min(1 + rng.poisson(1.5), MOST_LESIONS)
    places = np.argwhere(tissues.white > _DEEP_WHITE)
    rows, columns = np.indices((ROWS, COLUMNS))
    for own in rng.spawn(count):
        down, across = places[own.integers(len(places))] + own.uniform(-0.5, 0.5, size=2)
        radius = np.exp(own.uniform(*np.log(look.radius_mm)))
        v, u = (rows - down) * PIXEL_MM, (columns - across) * PIXEL_MM
        turn, aspect = own.uniform(0, np.pi), own.uniform(*look.aspect)
        along = (np.cos(turn) * u + np.sin(turn) * v) * np.sqrt(aspect)
        aside = (np.cos(turn) * v - np.sin(turn) * u) / np.sqrt(aspect)
        theta, reach = np.arctan2(aside, along), radius
        for waves in (2, 3):
            phase = own.uniform(0, 2 * np.pi)
            reach = reach + radius * look.wobble * own.normal() * np.cos(waves * theta + phase) / 2
        rho = np.hypot(along, aside)
        bright = own.uniform(*look.brightness)
        lift = np.maximum(lift, bright * expit((reach - rho) / look.edge_mm))
        mask |= (rho < reach) & (tissues.white > _SOME_WHITE)
    return lift, mask


def _scanned(
    tissues: _Tissues,
    lesion: Float[np.ndarray, "rows columns"],
    *,
    noise_sd: float,
    bias: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "rows columns"]:
    """Intensities of a scanner: contrast, smooth brightness, blur, noise."""
    grey, white, fluid = np.array([0.68, 0.55, 0.12]) * rng.uniform(0.96, 1.04, size=3)
    clean = grey * tissues.grey + white * tissues.white * (1 + lesion) + fluid * tissues.fluid
    field = gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), 25)
    field = 1 + bias * field / max(np.abs(field).max(), 1e-9)
    blurred = gaussian_filter(clean * field, rng.uniform(0.3, 0.6))
    return blurred + rng.normal(0, noise_sd, size=clean.shape)
