"""Patients whose brain can be scanned again, on the same scanner or on another one.

Real anatomy (the MNI152 template), simulated lesions and scanners: no claim about patients.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import expit

from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.tasks.white_matter_lesions import PIXEL_MM
from data_fetch.tasks.white_matter_lesions import _maps as template_maps

ROWS, COLUMNS = 96, 80
PIXEL_MM2 = PIXEL_MM**2
MOST_LESIONS = 24
RADIUS_MM = (2.0, 6.0)
_LEVELS_MM = (10.0, 40.0)  # axial levels with much white matter
_DEEP_WHITE = 0.8  # probability of white matter where a lesion may begin
_GREY, _WHITE, _FLUID = 0.68, 0.55, 0.12  # intensities, in the order of FLAIR
_WAVES = 2  # of which each bend of a brain is made
_EDGE_MM = 0.7  # width of a lesion's edge


@dataclass(frozen=True)
class Scanner:
    """What one scanner makes of an anatomy.

    Attributes:
        blur_mm: standard deviation of its point spread in the plane.
        contrast: share of a lesion's brightness that its sequence shows.
        noise_sd: of its noise, where white matter is about 0.55.
        bias: largest relative brightening or darkening by a smooth field, another one a scan.
    """

    blur_mm: float = 0.9
    contrast: float = 1.0
    noise_sd: float = 0.03
    bias: float = 0.08


@dataclass(frozen=True, eq=False)
class ScannedAgain:
    """Patients with lesions in one slice, who can be laid into any scanner any number of times.

    Attributes:
        pose: of each brain: angle, two scales, two shifts, mirror, level and two tilts.
        bend: amplitudes, wave numbers and phases of its own deformation.
        lesions: of each lesion: its middle in the template (mm), radius (mm), brightness, aspect,
            turn; a radius of 0 is no lesion.
    """

    pose: Float[np.ndarray, "n 9"]
    bend: Float[np.ndarray, "n 3 waves 4"]
    lesions: Float[np.ndarray, "n lesions 6"]

    def __len__(self) -> int:
        return len(self.pose)

    @property
    def area_mm2(self) -> Float[np.ndarray, " n"]:
        """Area of each patient's lesions, pi r² each: the truth that no scan changes."""
        return np.pi * (self.lesions[:, :, 2] ** 2).sum(axis=1)

    def scan(
        self, scanner: Scanner, *, rng: np.random.Generator, moved_mm: float = 1.0
    ) -> tuple[Sample, Bool[np.ndarray, "n rows columns"]]:
        """One scan of each patient: laid down anew, another field of brightness, other noise.

        Args:
            scanner: what it does to the image.
            rng: draws positions, fields and noise; patient i does not depend on n.
            moved_mm: standard deviation of how far the patient lies from last time, each way; the
                head is also turned, by a degree for each mm.

        Returns:
            Sample of float32 (n, 96, 80), rows to P and columns to L, 2 mm; and masks, where a
            lesion's own outline is in this scan.

        Raises:
            ValueError: a number of the scanner is outside its range.

        >>> images, masks = scanned_again(2, rng=np.random.default_rng(0)).scan(
        ...     Scanner(), rng=np.random.default_rng(1))
        >>> images.array.shape, images.kind, masks.shape
        ((2, 96, 80), 'simulated', (2, 96, 80))
        """
        if min(scanner.blur_mm, scanner.contrast, scanner.noise_sd, moved_mm) < 0:
            raise ValueError(f"{scanner}, moved_mm={moved_mm}: none is below 0")
        if not 0 <= scanner.bias <= 0.5:
            raise ValueError(f"bias={scanner.bias}: 0..0.5")
        images = np.empty((len(self), ROWS, COLUMNS), dtype=np.float32)
        masks = np.empty(images.shape, dtype=bool)
        for i, own in enumerate(rng.spawn(len(self))):
            images[i], masks[i] = self._scan(i, scanner, own, moved_mm)
        template = mni152("wm")
        sample = Sample(
            images,
            name="simulated/scanned_again",
            kind="simulated",
            unit="intensity, white matter about 0.55",
            sha256=sha256_of_array(images),
            spacing_mm=(PIXEL_MM, PIXEL_MM),
            licence=f"Apache-2.0 (the generator); the template: {template.licence}",
            cite="Pixels to Patients, data_fetch/tasks/scanned_again.py, on: " + template.cite,
            doi=template.doi,
            orientation="rows to P, columns to L",
            note="real anatomy of one averaged brain, warped; simulated intensities and lesions",
        )
        return sample, masks

    def _scan(self, i, scanner, rng, moved_mm):
        aside, down, turn = moved_mm * rng.standard_normal(3)
        x, y = _grid(aside=aside, down=down, turn=np.deg2rad(turn))
        where = _in_template(x, y, self.pose[i], self.bend[i])
        healthy, white = _volumes()
        clean = _at(healthy, where)
        mask = np.zeros(clean.shape, dtype=bool)
        lift = np.zeros(clean.shape)
        for lesion in self.lesions[i][self.lesions[i, :, 2] > 0]:
            window = _window(where, lesion)
            lifted, inside = _lifted(where[(slice(None), *window)], lesion)
            lift[window] = np.maximum(lift[window], lifted)
            mask[window] |= inside
        there = lift > 0
        clean[there] += scanner.contrast * lift[there] * _WHITE * _at(white, where[:, there])
        waves = rng.uniform(0.01, 0.03, size=2), rng.uniform(0, 2 * np.pi, size=2)
        field = np.sin(waves[0][0] * x + waves[1][0]) * np.sin(waves[0][1] * y + waves[1][1])
        clean = gaussian_filter(clean * (1 + scanner.bias * field), scanner.blur_mm / PIXEL_MM)
        return clean + rng.normal(0, scanner.noise_sd, size=clean.shape), mask


def scanned_again(
    n: int, *, rng: np.random.Generator, usual_lesions: float = 5.0, spread: float = 0.6
) -> ScannedAgain:
    """n patients, each a warp of the template with one to many lesions in white matter.

    How many lesions a patient has is Poisson about a load of its own, which is log-normal: few have
    many. Radii of 2 to 6 mm are drawn evenly on a logarithmic scale, brightness is 0.3 to 0.5 of
    white matter's. The slice lies within 3 cm of the template.

    Args:
        n: how many, >= 1.
        rng: the source of randomness; patient i does not depend on n.
        usual_lesions: median of the load.
        spread: standard deviation of its logarithm.

    Raises:
        ValueError: n below 1, or a load that is not above 0.

    >>> patients = scanned_again(3, rng=np.random.default_rng(0))
    >>> len(patients), bool((patients.area_mm2 > 0).all())
    (3, True)
    """
    if n < 1 or not usual_lesions > 0 or spread < 0:
        raise ValueError(
            f"n={n} (>= 1), usual_lesions={usual_lesions} (> 0), spread={spread} (>= 0)"
        )
    pose, bend = np.empty((n, 9)), np.empty((n, 3, _WAVES, 4))
    lesions = np.zeros((n, MOST_LESIONS, 6))
    for i, own in enumerate(rng.spawn(n)):
        pose[i] = (
            np.deg2rad(own.normal(0, 5)),
            *(1 + 0.05 * np.clip(own.standard_normal(2), -2, 2)),
            *(3 * np.clip(own.standard_normal(2), -2, 2)),
            own.choice([-1.0, 1.0]),
            own.uniform(*_LEVELS_MM),
            *np.deg2rad(own.normal(0, 4, size=2)),
        )
        bend[i, :, :, 0] = own.normal(0, 1.0, size=(3, _WAVES))
        bend[i, :, :, 1:3] = own.normal(0, 1 / 25, size=(3, _WAVES, 2))
        bend[i, :, :, 3] = own.uniform(0, 2 * np.pi, size=(3, _WAVES))
        count = own.poisson(usual_lesions * np.exp(spread * own.standard_normal()))
        count = int(np.clip(count, 2, MOST_LESIONS))
        lesions[i, :count, :2] = _white_places(count, pose[i], bend[i], rng=own)
        lesions[i, :count, 2] = np.exp(own.uniform(*np.log(RADIUS_MM), size=count))
        lesions[i, :count, 3] = own.uniform(0.3, 0.5, size=count)
        lesions[i, :count, 4] = own.uniform(0.6, 1.0, size=count)
        lesions[i, :count, 5] = own.uniform(0, np.pi, size=count)
    return ScannedAgain(pose, bend, lesions)


def _white_places(count, pose, bend, *, rng) -> Float[np.ndarray, "count 2"]:
    """Middles of lesions: places of the slice in white matter, in the template's mm."""
    found: list[np.ndarray] = []
    while len(found) < count:
        x, y = rng.uniform(-60, 60, size=64), rng.uniform(-75, 75, size=64)
        where = _in_template(x, y, pose, bend)
        found.extend(where[:2, _at(_volumes()[1], where) > _DEEP_WHITE].T)
    return np.array(found[:count])


@lru_cache(maxsize=1)
def _volumes() -> tuple[Float[np.ndarray, "x y z"], Float[np.ndarray, "x y z"]]:
    """The healthy brain's intensity, and the probability of white matter, at 2 mm."""
    (grey, white, brain), _ = template_maps()
    fluid = np.clip(brain - grey - white, 0, 1)
    return _GREY * grey + _WHITE * white + _FLUID * fluid, white


def _at(volume, where) -> np.ndarray:
    """A volume at places in the template, in mm; outside it is 0."""
    to_index = template_maps()[1]
    at = np.tensordot(to_index[:3, :3], where, axes=1)
    at += to_index[:3, 3].reshape(3, *[1] * (where.ndim - 1))
    return map_coordinates(volume, at, order=1, mode="constant")


def _grid(*, aside: float = 0.0, down: float = 0.0, turn: float = 0.0):
    """Places of the pixels in mm, x to the left and y forwards, for a head that lies so."""
    v = -((np.arange(ROWS) - (ROWS - 1) / 2) * PIXEL_MM) + down
    u = -((np.arange(COLUMNS) - (COLUMNS - 1) / 2) * PIXEL_MM) + aside
    y, x = np.meshgrid(v, u, indexing="ij")
    return np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y


def _in_template(x, y, pose, bend) -> Float[np.ndarray, "3 ..."]:
    """Where each pixel lies in the template, in mm."""
    angle, wide, long, aside, ahead, mirror, level, tilt_x, tilt_y = pose
    bent = np.zeros((3, *x.shape))
    for axis in range(3):
        for amplitude, kx, ky, phase in bend[axis]:
            wave = (kx * x + ky * y + phase).astype(np.float32)  # whose sine is quick
            bent[axis] += amplitude * np.sin(wave)
    turned_x = wide * (np.cos(angle) * x - np.sin(angle) * y) + aside + bent[0]
    turned_y = long * (np.sin(angle) * x + np.cos(angle) * y) + ahead + bent[1] - 18.0
    z = level + np.tan(tilt_x) * x + np.tan(tilt_y) * y + bent[2]
    return np.stack([mirror * turned_x, turned_y, z])


def _window(where, lesion) -> tuple[slice, slice]:
    """Rows and columns that a lesion can reach."""
    near = (where[0] - lesion[0]) ** 2 + (where[1] - lesion[1]) ** 2
    row, column = np.unravel_index(near.argmin(), near.shape)
    reach = int((1.4 * lesion[2] + 6 * _EDGE_MM) / (0.85 * PIXEL_MM)) + 1
    return (
        slice(max(row - reach, 0), row + reach + 1),
        slice(max(column - reach, 0), column + reach + 1),
    )


def _lifted(where, lesion) -> tuple[np.ndarray, np.ndarray]:
    """How much a lesion lifts the brightness of white matter, and where its outline is."""
    x, y, radius, bright, aspect, turn = lesion
    u, v = where[0] - x, where[1] - y
    along = (np.cos(turn) * u + np.sin(turn) * v) * np.sqrt(aspect)
    across = (np.cos(turn) * v - np.sin(turn) * u) / np.sqrt(aspect)
    rho = np.hypot(along, across)
    return bright * expit((radius - rho) / _EDGE_MM), rho < radius
