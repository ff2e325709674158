"""Real retina texture, simulated lesions: a round dark dot against a streak of the same area.

What this captures and what not: cards/simulated_fundus_lesions.md.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from data_fetch.labelled import Labelled
from data_fetch.packaged import retina
from data_fetch.sample import Sample, sha256_of_array

# The photograph's disc, measured on it: everything within this radius is retina.
_CENTRE = (703.0, 704.0)
_RADIUS = 685.0
# (first row, last row, first column, last column): no patch crosses a border, so no pixel is
# shared between the splits.
_REGIONS = {
    "train": (0, 940, 0, 705),
    "validation": (940, 1411, 0, 705),
    "test": (0, 1411, 705, 1411),
}
_ABSORPTION = np.array([0.55, 1.0, 0.8])  # of red, green, blue: blood is darkest in green
LABEL_NAMES = ("streak", "round dot")


def fundus_lesions(
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    size: int = 64,
    contrast: float = 0.35,
    noise_sd: float = 4.0,
) -> Labelled:
    r"""n patches of one real retina, each with one simulated lesion; half are dots, half streaks.

    A patch is rotated by any angle and mirrored at random, then darkened by
    $1 - c\,a_k\,\exp(-\rho^4)$, where $a_k$ is the absorption of colour k and $\rho$ the elliptic
    radius, with semi-axes $(r\sqrt{q}, r/\sqrt{q})$: the area $\pi r^2$ and the light lost are the
    same for both labels, and q is 1..1.25 for a dot, 3..4.5 for a streak. Radius r (3..4.5
    pixels), contrast c (times 0.8..1.2), colour gains (+-12 %), brightness (+-10 %) and Gaussian
    noise are drawn alike for both.

    Args:
        n: how many, >= 2; an odd one out is a streak.
        split: "train" (left half, upper two thirds), "validation" (left half, lower third) or
            "test" (right half).
        rng: the source of randomness; patch i depends on n through its label only.
        size: side of a patch in pixels, 32..128.
        contrast: c, share of green light lost in the middle of the lesion, 0 < c <= 0.8.
        noise_sd: of the noise, in grey levels.

    Returns:
        Labelled uint8 images (n, size, size, 3), 1 = round dot, 0 = streak, in random order.

    Raises:
        ValueError: an unknown split, or a number outside its range.

    >>> images, labels = fundus_lesions(6, split="test", rng=np.random.default_rng(0))
    >>> images.array.shape, images.kind, sorted(labels.tolist())
    ((6, 64, 64, 3), 'simulated', [0, 0, 0, 1, 1, 1])
    """
    if split not in _REGIONS:
        raise ValueError(f'split is {split!r}; choose "train", "validation" or "test"')
    if n < 2 or not 32 <= size <= 128 or not 0 < contrast <= 0.8 or noise_sd < 0:
        raise ValueError(
            f"n={n} (>= 2), size={size} (32..128), contrast={contrast} (0 < c <= 0.8), "
            f"noise_sd={noise_sd} (>= 0): one is outside its range"
        )
    photograph = retina().array
    labels = rng.permutation(np.arange(n) % 2)
    planes = np.moveaxis(photograph, -1, 0).astype(np.float32)
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        patch = _patch(planes, split=split, size=size, rng=own)
        patch = patch * (1 - _absorption(size, dot=bool(labels[i]), contrast=contrast, rng=own))
        gain = own.uniform(0.88, 1.12, size=3) * own.uniform(0.9, 1.1)
        patch = patch * gain + own.normal(0.0, noise_sd, size=patch.shape)
        array[i] = np.clip(np.rint(patch), 0, 255)
    source = retina()
    sample = Sample(
        array,
        name=f"simulated/fundus_lesions_{split}",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        licence=f"Apache-2.0 (the generator); the photograph: {source.licence}",
        cite=f"Pixels to Patients, data_fetch/tasks/fundus_lesions.py, on: {source.cite}",
        doi=source.doi,
        note="real texture of one eye, simulated lesions: no claim about patients",
    )
    return Labelled(sample=sample, labels=labels, names=LABEL_NAMES)


def _patch(
    planes: Float[np.ndarray, "3 rows columns"],
    *,
    split: str,
    size: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "size size 3"]:
    """A rotated, perhaps mirrored patch whose every pixel lies in the split and on the retina."""
    reach = size / np.sqrt(2) + 1
    top, bottom, left, right = _REGIONS[split]
    while True:  # a few tries suffice: most of each region is retina
        row = rng.uniform(top + reach, bottom - 1 - reach)
        column = rng.uniform(left + reach, right - 1 - reach)
        if np.hypot(row - _CENTRE[0], column - _CENTRE[1]) <= _RADIUS - reach:
            break
    angle = rng.uniform(0, 2 * np.pi)
    mirror = rng.choice([-1.0, 1.0])
    ticks = np.arange(size) - (size - 1) / 2
    down, across = np.meshgrid(ticks, mirror * ticks, indexing="ij")
    at = np.stack(
        [
            row + np.cos(angle) * down - np.sin(angle) * across,
            column + np.sin(angle) * down + np.cos(angle) * across,
        ]
    )
    return np.stack([map_coordinates(p, at, order=1) for p in planes], axis=-1)


def _absorption(
    size: int, *, dot: bool, contrast: float, rng: np.random.Generator
) -> Float[np.ndarray, "size size 3"]:
    """Share of light lost at each pixel and colour."""
    radius = rng.uniform(3.0, 4.5)
    depth = contrast * rng.uniform(0.8, 1.2)
    # both are drawn whatever the label, so that the label changes the shape alone
    round_ratio, long_ratio = rng.uniform(1.0, 1.25), rng.uniform(3.0, 4.5)
    ratio = round_ratio if dot else long_ratio
    angle = rng.uniform(0, np.pi)
    margin = 12.0
    row, column = rng.uniform(margin, size - 1 - margin, size=2)
    down = (np.arange(size) - row)[:, None]
    across = (np.arange(size) - column)[None, :]
    along = np.cos(angle) * down + np.sin(angle) * across
    beside = -np.sin(angle) * down + np.cos(angle) * across
    rho2 = (along / (radius * np.sqrt(ratio))) ** 2 + (beside * np.sqrt(ratio) / radius) ** 2
    return depth * np.exp(-(rho2**2))[:, :, None] * _ABSORPTION
