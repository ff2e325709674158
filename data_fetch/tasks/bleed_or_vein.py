"""Real brain anatomy, simulated dark spots: a microbleed, or a vein that crosses the slices.

In the slice through the middle of the patch the two are the same spot; only the slices above and
below tell. All patches are cut from one averaged template: no claim about patients.
"""

from functools import cache

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from data_fetch.labelled import Labelled
from data_fetch.packaged import mni152
from data_fetch.sample import Sample, sha256_of_array

# First and last plane of 1 mm from back to front, and from below to above. The template is
# symmetric: its left half is its right half mirrored. So the splits are front and back, and in the
# back above and below; they share no voxel.
_BOXES = {
    "train": ((116, 233), (0, 189)),
    "validation": ((0, 116), (110, 189)),
    "test": ((0, 116), (0, 110)),
}
KINDS = ("bleed", "beads", "vein")
_TISSUE = 0.25  # of the maximum: what is brighter is brain


def bleed_or_vein(
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    size: int = 32,
    slices: int = 9,
    gap_mm: float = 3.0,
    contrast: float = 0.4,
    noise_sd: float = 5.0,
    against: str = "bleed",
) -> Labelled:
    r"""n small volumes of one real template, half with a vein in the middle, half with its rival.

    With z the height above the middle slice and u, v the directions along and across the tilt, a
    spot darkens the tissue by $1 - c\,\exp(-q^2)$, where

    - vein: $q = (u\cos\theta - z\sin\theta)^2/r^2 + v^2/r^2$, a cylinder tilted by θ;
    - bleed: $q = (u\cos\theta)^2/r^2 + v^2/r^2 + z^2/r^2$, an ellipsoid with, at z = 0, the same
      section;
    - beads: in every slice the section of another vein, of one radius and contrast, but each with a
      place and a tilt of its own: any slice alone is distributed as a vein's, only nothing connects
      them.

    Every second patch has one more vein at its side, whatever the label. Radius r, tilt, contrast,
    brightness and Gaussian noise are drawn alike for both labels.

    Args:
        n: how many, even, >= 2.
        split: "train" (front of the brain), "validation" or "test" (back, above and below).
        rng: the source of randomness; patch i has a generator of its own.
        size: side of a slice in pixels of 1 mm, 24..64.
        slices: odd, 3..15.
        gap_mm: from one slice to the next, 1..6; a slice itself is thin.
        contrast: c in the middle of a spot, 0 < c <= 1.
        noise_sd: of the noise, in grey levels.
        against: "bleed" or "beads", the rival of the vein; "vein" makes all patches veins, the same
            places that the same stream gives a rival (labels then mean nothing).

    Returns:
        Labelled uint8 volumes (n, slices, size, size), 1 = bleed or beads, 0 = vein.

    Raises:
        ValueError: an unknown split or rival, or a number outside its range.

    >>> volumes, labels = bleed_or_vein(4, split="test", rng=np.random.default_rng(0))
    >>> volumes.array.shape, volumes.kind, sorted(labels.tolist())
    ((4, 9, 32, 32), 'simulated', [0, 0, 1, 1])
    """
    if split not in _BOXES:
        raise ValueError(f'split is {split!r}; choose "train", "validation" or "test"')
    if against not in KINDS:
        raise ValueError(f"against is {against!r}; choose {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    fits = n >= 2 and n % 2 == 0 and 24 <= size <= 64 and slices % 2 and 3 <= slices <= 15
    if not fits or not 1 <= gap_mm <= 6 or not 0 < contrast <= 1 or noise_sd < 0:
        raise ValueError(
            f"n={n} (even, >= 2), size={size} (24..64), slices={slices} (odd, 3..15), "
            f"gap_mm={gap_mm} (1..6), contrast={contrast} (0 < c <= 1), noise_sd={noise_sd} "
            "(>= 0): one is outside its range"
        )
    template = _template()
    labels = rng.permutation(np.arange(n) % 2)
    shape = {"size": size, "slices": slices, "gap_mm": gap_mm}
    array = np.empty((n, slices, size, size), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        patch = _patch(template.array, split=split, rng=own, **shape)
        rival = against if labels[i] else "vein"
        patch = patch * _light(rival, contrast=contrast, rng=own, **shape)
        patch = 255 * patch * own.uniform(0.9, 1.1) + own.normal(0.0, noise_sd, patch.shape)
        array[i] = np.clip(np.rint(patch), 0, 255)
    sample = Sample(
        array,
        name=f"simulated/{against}_or_vein_{split}",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        spacing_mm=None,
        licence=f"Apache-2.0 (the generator); the template: {template.licence}",
        cite=f"Pixels to Patients, data_fetch/tasks/bleed_or_vein.py, on: {template.cite}",
        doi=template.doi,
        note="real anatomy of one averaged brain, simulated spots: no claim about patients",
    )
    return Labelled(sample=sample, labels=labels, names=("vein", against))


@cache
def _template() -> Sample:
    """The template, read once: a study draws many sets of patches. Nobody writes into it."""
    template = mni152("t1")
    template.array.flags.writeable = False
    return template


def _patch(
    template: Float[np.ndarray, "x y z"],
    *,
    split: str,
    rng: np.random.Generator,
    size: int,
    slices: int,
    gap_mm: float,
) -> Float[np.ndarray, "slices size size"]:
    """A turned, perhaps mirrored patch of brain whose every voxel lies in the split."""
    (back, front), (low, high) = _BOXES[split]
    reach, half = size / np.sqrt(2) + 1, gap_mm * (slices - 1) / 2
    while True:  # a few tries suffice: most of the box is brain
        x = rng.uniform(reach, template.shape[0] - 1 - reach)
        y = rng.uniform(back + reach, front - 1 - reach)
        z = rng.uniform(low + half, high - 1 - half)
        around = template[int(x) - 8 : int(x) + 9 : 8, int(y) - 8 : int(y) + 9 : 8, int(z)]
        if around.min() > _TISSUE:
            break
    angle = rng.uniform(0, 2 * np.pi)
    mirror = rng.choice([-1.0, 1.0])
    ticks = np.arange(size) - (size - 1) / 2
    heights = gap_mm * (np.arange(slices) - (slices - 1) / 2)
    up, down, across = np.meshgrid(heights, ticks, mirror * ticks, indexing="ij")
    at = [
        x + np.cos(angle) * across - np.sin(angle) * down,
        y + np.sin(angle) * across + np.cos(angle) * down,
        z + up,
    ]
    return map_coordinates(template, at, order=1, mode="nearest")


def _light(
    kind: str,
    *,
    contrast: float,
    rng: np.random.Generator,
    size: int,
    slices: int,
    gap_mm: float,
) -> Float[np.ndarray, "slices size size"]:
    """Share of light left at each voxel: the spot in the middle and perhaps a vein at its side."""
    heights = gap_mm * (np.arange(slices) - (slices - 1) / 2)
    radius, depth = rng.uniform(2.5, 4.0), contrast * rng.uniform(0.8, 1.2)
    # One course a slice, drawn whatever the kind, so that the label changes the shape alone.
    place = size * rng.uniform(-0.2, 0.2, size=(slices, 2))
    tilt, azimuth = rng.uniform(0, 0.5, size=slices), rng.uniform(0, 2 * np.pi, size=slices)
    if kind != "beads":
        place, tilt, azimuth = (np.repeat(v[:1], slices, axis=0) for v in (place, tilt, azimuth))
    along, above = (0 * heights, heights) if kind == "bleed" else (heights, 0 * heights)
    light = 1 - depth * _spot(along, above, place, radius, tilt, azimuth, size)
    beside, turn = 0.38 * size, rng.uniform(0, 2 * np.pi)
    aside = np.tile(beside * np.array([np.sin(turn), np.cos(turn)]), (slices, 1))
    shade, thin = contrast * rng.uniform(0.8, 1.2), rng.uniform(2.5, 4.0)
    if rng.random() < 0.5:
        upright = 0 * heights
        light = light * (1 - shade * _spot(heights, upright, aside, thin, upright, upright, size))
    return light


def _spot(
    along, above, place, radius, tilt, azimuth, size
) -> Float[np.ndarray, "slices size size"]:
    """exp(-q²) with q as in `bleed_or_vein`, slice by slice: `along` moves, `above` shrinks."""
    ticks = np.arange(size) - (size - 1) / 2
    down = ticks[None, :, None] - place[:, 0, None, None]
    across = ticks[None, None, :] - place[:, 1, None, None]
    along, above, tilt, azimuth = (v[:, None, None] for v in (along, above, tilt, azimuth))
    u = np.cos(azimuth) * across + np.sin(azimuth) * down
    v = -np.sin(azimuth) * across + np.cos(azimuth) * down
    shifted = u * np.cos(tilt) - np.sin(tilt) * along
    q = (shifted**2 + v**2 + above**2) / radius**2
    return np.exp(-(q**2))
