"""Patches of one brain by MRI and by PET, with lesions that one of them shows, the other, or both.

Real anatomy (the MNI152 template, with its own T1 intensities); uptake, blur, counts, noise and
lesions are simulated: no claim about patients.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.poisson_quantile import poisson_quantile

PIXEL_MM = 2.0
SEEN_BY = ("MRI", "PET", "both")
LESION_IN = ("own", "MRI", "PET", "both", "neither")
LEVELS_MM = {"train": (4.0, 56.0), "validation": (-16.0, -2.0), "test": (-72.0, -22.0)}
GREY_UPTAKE, WHITE_UPTAKE, OTHER_UPTAKE = 1.0, 0.25, 0.05
_DEEP_WHITE = 0.6  # probability of white matter where a lesion may begin
_MARGIN = 6  # pixels around a patch, so that blur comes in from beyond its border
_INSET = 7  # pixels from a lesion's middle to the border of the patch, at least
_EDGE_MM = 0.8  # width of a lesion's edge


@dataclass(frozen=True)
class TwoLooks:
    """How a lesion changes each modality.

    Attributes:
        t1_factor: what it leaves of the T1 intensity.
        uptake_gain: what it adds to the uptake, where grey matter has one.
        radius_mm: from which its radius is drawn.
    """

    t1_factor: float = 0.75
    uptake_gain: float = 0.5
    radius_mm: tuple[float, float] = (4.0, 8.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class MriAndPet:
    """Patches of anatomy with one lesion each, which can be scanned again at any dose.

    Noise is drawn once: a scan at another dose, or without the lesion, is the same patient on the
    same day with the same luck.

    Attributes:
        t1: intensities without lesion and noise, (n, size, size).
        grey, white: probabilities of tissue, with a margin of 6 pixels on each side.
        lesion: how much of a lesion is in a pixel, 0..1, with the same margin.
        seen_by: of each lesion 0 = MRI alone, 1 = PET alone, 2 = both.
        counts: expected counts a pixel of grey matter, drawn for each patch.
        mri_luck: standard normal; pet_luck: uniform; (n, size, size).
        look: how lesions look.
        split: where the patches come from.
    """

    t1: Float[np.ndarray, "n size size"]
    grey: Float[np.ndarray, "n wide wide"]
    white: Float[np.ndarray, "n wide wide"]
    lesion: Float[np.ndarray, "n wide wide"]
    seen_by: Int[np.ndarray, " n"]
    counts: Float[np.ndarray, " n"]
    mri_luck: Float[np.ndarray, "n size size"]
    pet_luck: Float[np.ndarray, "n size size"]
    look: TwoLooks
    split: str

    def __len__(self) -> int:
        return len(self.t1)

    @property
    def masks(self) -> Bool[np.ndarray, "n size size"]:
        """Where the lesions are, whoever sees them."""
        return inner(self.lesion) > 0.5

    @property
    def brain(self) -> Bool[np.ndarray, "n size size"]:
        """Where most of a pixel is grey or white matter."""
        return inner(self.grey + self.white) > 0.5

    def uptake(self, *, lesion_in: str = "neither") -> Float[np.ndarray, "n wide wide"]:
        """What the tracer does, before any blur; one is grey matter."""
        other = np.clip(1 - self.grey - self.white, 0, 1)
        healthy = GREY_UPTAKE * self.grey + WHITE_UPTAKE * self.white + OTHER_UPTAKE * other
        return healthy + self.look.uptake_gain * self._lesion(1, lesion_in)

    def scan(
        self,
        *,
        counts: float | None = None,
        lesion_in: str = "own",
        psf_mm: float = 6.0,
        noise_sd: float = 0.04,
    ) -> Sample:
        r"""MRI and PET of all patches.

        MRI is $T_1 (1 - (1 - f)\,L) + \sigma z$; PET is $k / c$ with $k$ a Poisson number of mean
        $c\,(h * (u + g L))$: $u$ the healthy uptake, $L$ the lesion, $h$ the blur of the scanner.

        Args:
            counts: c, expected counts a pixel of grey matter, for all; None takes each patch's own.
            lesion_in: "own" as dealt, or "MRI", "PET", "both", "neither" for all.
            psf_mm: full width at half maximum of the blur; 0 for none.
            noise_sd: of the MRI's noise; white matter is about 0.88.

        Returns:
            Sample of float32 (n, 2, size, size): MRI, PET.

        Raises:
            ValueError: counts, psf_mm or noise_sd outside their range, or an unknown word.
        """
        if lesion_in not in LESION_IN:
            raise ValueError(f"lesion_in is {lesion_in!r}; choose one of {LESION_IN}")
        if (counts is not None and not counts > 0) or psf_mm < 0 or noise_sd < 0:
            raise ValueError(
                f"counts={counts} (> 0), psf_mm={psf_mm} (>= 0), noise_sd={noise_sd} (>= 0): one is"
                " outside its range"
            )
        dimmed = (1 - self.look.t1_factor) * inner(self._lesion(0, lesion_in))
        mri = self.t1 * (1 - dimmed) + noise_sd * self.mri_luck
        dose = self.counts if counts is None else np.full(len(self), counts)
        dose = dose[:, None, None]
        mean = blurred(self.uptake(lesion_in=lesion_in), psf_mm=psf_mm)
        pet = poisson_quantile(self.pet_luck, dose * mean) / dose
        array = np.stack([mri, pet], axis=1).astype(np.float32)
        template = mni152("t1")
        return Sample(
            array,
            name=f"simulated/mri_and_pet_{self.split}",
            kind="simulated",
            unit="MRI: fraction of the maximum; PET: uptake, grey matter 1",
            sha256=sha256_of_array(array),
            spacing_mm=None,
            licence=f"Apache-2.0 (the generator); the template: {template.licence}",
            cite="Pixels to Patients, data_fetch/tasks/mri_and_pet.py, on: " + template.cite,
            doi=template.doi,
            orientation="rows to I, columns to R or L; pixels of 2 mm",
            note="real anatomy of one averaged brain; simulated uptake, counts, noise and lesions",
        )

    def _lesion(self, modality: int, lesion_in: str) -> Float[np.ndarray, "n wide wide"]:
        """The lesion where this modality shows it."""
        word = SEEN_BY[modality]
        if lesion_in == "own":
            shown = (self.seen_by == modality) | (self.seen_by == 2)
        else:
            shown = np.full(len(self), lesion_in in (word, "both"))
        return self.lesion * shown[:, None, None]


def mri_and_pet(
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    size: int = 32,
    counts: tuple[float, float] = (2.0, 200.0),
    look: TwoLooks | None = None,
) -> MriAndPet:
    """n coronal patches, each with a lesion in white matter that MRI shows, PET, or both.

    A third of the lesions each. The splits are coronal levels with gaps between them: no voxel is
    shared. Patch i does not depend on n.

    Args:
        n: how many, >= 1.
        split: "train" (frontal levels), "validation" (behind them) or "test" (the back).
        rng: the source of randomness.
        size: side of a patch in pixels of 2 mm, 24..64.
        counts: from which each patch's own dose is drawn, evenly on a logarithmic scale.
        look: how lesions look.

    Raises:
        ValueError: an unknown split, or a number outside its range.

    >>> scenes = mri_and_pet(3, split="test", rng=np.random.default_rng(0))
    >>> scenes.scan().array.shape, scenes.masks.shape, scenes.scan().kind
    ((3, 2, 32, 32), (3, 32, 32), 'simulated')
    """
    look = look or TwoLooks()
    if split not in LEVELS_MM:
        raise ValueError(f'split is {split!r}; choose "train", "validation" or "test"')
    if n < 1 or not 24 <= size <= 64 or not 0 < counts[0] <= counts[1]:
        raise ValueError(
            f"n={n} (>= 1), size={size} (24..64), counts={counts} (above 0, rising): one is outside"
            " its range"
        )
    if not 0 < look.radius_mm[0] <= look.radius_mm[1]:
        raise ValueError(f"radius_mm={look.radius_mm} must rise from above 0")
    volumes, places = _volumes(), _places(split)
    wide = size + 2 * _MARGIN
    maps = np.empty((3, n, wide, wide))
    lesion = np.empty((n, wide, wide))
    luck = np.empty((2, n, size, size))
    seen_by, own_counts = np.empty(n, dtype=int), np.empty(n)
    for i, own in enumerate(rng.spawn(n)):
        x, y, z = places[own.integers(len(places))]
        across, down = own.integers(_INSET, size - _INSET, size=2) + _MARGIN
        # the volumes are padded by `wide`, so that every patch lies inside
        left, low = x - across + 64 + 2 * _MARGIN, z - down + 64 + 2 * _MARGIN
        patch = volumes[:, left : left + wide, y, low : low + wide]
        maps[:, i] = patch.transpose(0, 2, 1)
        rows, columns = np.indices((wide, wide))
        middle = own.uniform(-0.5, 0.5, size=2)
        away = np.hypot(rows - down - middle[0], columns - across - middle[1]) * PIXEL_MM
        radius = own.uniform(*look.radius_mm)
        tissue = maps[1, i] + maps[2, i] > 0.5
        lesion[i] = expit((radius - away) / _EDGE_MM) * tissue
        seen_by[i] = own.integers(3)
        own_counts[i] = np.exp(own.uniform(*np.log(counts)))
        luck[0, i], luck[1, i] = own.standard_normal((size, size)), own.random((size, size))
        if own.random() < 0.5:  # rows run down, and left becomes right
            maps[:, i], lesion[i] = maps[:, i, :, ::-1].copy(), lesion[i, :, ::-1].copy()
    flipped = [each[..., ::-1, :] for each in (*maps, lesion)]  # the top of the head is on top
    t1, grey, white, lesion = flipped
    return MriAndPet(
        t1=inner(t1), grey=grey, white=white, lesion=lesion, seen_by=seen_by, counts=own_counts,
        mri_luck=luck[0], pet_luck=luck[1], look=look, split=split,
    )  # fmt: skip


def blurred(
    wide: Float[np.ndarray, "n wide wide"], *, psf_mm: float
) -> Float[np.ndarray, "n size size"]:
    """Maps as a scanner of this resolution would see them without noise, their margin cut off.

    >>> blurred(np.ones((1, 20, 20)), psf_mm=6.0).shape
    (1, 8, 8)
    """
    sd_pixels = psf_mm / np.sqrt(8 * np.log(2)) / PIXEL_MM
    if not sd_pixels:
        return inner(wide)
    return inner(gaussian_filter(wide, (0, sd_pixels, sd_pixels), mode="nearest"))


def inner(wide: Float[np.ndarray, "n wide wide"]) -> Float[np.ndarray, "n size size"]:
    """Maps without their margin of 6 pixels.

    >>> inner(np.ones((1, 20, 20))).shape
    (1, 8, 8)
    """
    return wide[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


@lru_cache(maxsize=1)
def _volumes() -> Float[np.ndarray, "maps x y z"]:
    """T1, grey and white matter at 2 mm, with air around them."""
    maps = np.stack([mni152(kind, resolution_mm=2).array for kind in ("t1", "gm", "wm")])
    pad = 64 + 2 * _MARGIN
    padded = np.pad(maps, ((0, 0), (pad, pad), (0, 0), (pad, pad)))
    padded.flags.writeable = False
    return padded


@lru_cache(maxsize=3)
def _places(split: str) -> Int[np.ndarray, "places 3"]:
    """Voxels of deep white matter at the levels of a split."""
    white = mni152("wm", resolution_mm=2)
    y_mm = white.affine[1, 3] + white.affine[1, 1] * np.arange(white.array.shape[1])
    low, high = LEVELS_MM[split]
    deep = (white.array > _DEEP_WHITE) & ((low <= y_mm) & (y_mm <= high))[None, :, None]
    return np.argwhere(deep)
