"""Real retina texture with a simulated dot or streak, its outline, and a speck that means nothing.

The lesions are those of `fundus_lesions`; here the pixels that they fill are known as well.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from data_fetch.labelled import Labelled
from data_fetch.packaged import retina
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.tasks.fundus_lesions import _REGIONS as REGIONS
from data_fetch.tasks.fundus_lesions import LABEL_NAMES
from data_fetch.tasks.fundus_lesions import _patch as retina_patch

_MARGIN = 10.0  # pixels from a lesion's middle to the border of the patch, at least
_RADIUS = (3.0, 4.5)  # in pixels, of lesions and of specks: as many pixels are marked of either
_SPECK_GAIN = (0.25, 0.45)  # how much brighter the middle of a speck is


@dataclass(frozen=True, eq=False, kw_only=True)
class OutlinedLesions(Labelled):
    """Patches with a class each, and two masks: of the lesion, and of the speck.

    Args:
        lesions: True inside the dot or streak.
        specks: True inside the bright speck, whose place and shape know nothing of the class.
    """

    lesions: Bool[np.ndarray, "n size size"]
    specks: Bool[np.ndarray, "n size size"]


def outlined_lesions(
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    size: int = 48,
    contrast: float = 0.35,
    noise_sd: float = 4.0,
) -> OutlinedLesions:
    r"""n green patches of one real retina, each with one simulated lesion and one bright speck.

    Half of the lesions are round dots, half streaks of the same area: light is lost as
    $1 - c\,e^{-\rho^4}$, with $\rho$ the elliptic radius of `fundus_lesions`; the mask is where
    $\rho < 1$. The speck is brighter than its surroundings by $e^{-\rho^4}$ times a gain, with
    radius, axes and place of its own, alike for both classes; its radius is drawn as the lesion's.

    Args:
        n: how many, >= 2; an odd one out is a streak.
        split: "train" (left half, upper two thirds), "validation" (left half, lower third) or
            "test" (right half); no pixel is shared.
        rng: the source of randomness.
        size: side of a patch in pixels, 32..128.
        contrast: c, share of light lost in the middle of a lesion, 0 < c <= 0.8.
        noise_sd: of the noise, in grey levels.

    Returns:
        OutlinedLesions of float32 patches (n, size, size), 1 = round dot, 0 = streak.

    Raises:
        ValueError: an unknown split, or a number outside its range.

    >>> drawn = outlined_lesions(6, split="test", rng=np.random.default_rng(0))
    >>> drawn.sample.array.shape, drawn.lesions.shape, sorted(drawn.labels.tolist())
    ((6, 48, 48), (6, 48, 48), [0, 0, 0, 1, 1, 1])
    """
    if split not in REGIONS:
        raise ValueError(f'split is {split!r}; choose "train", "validation" or "test"')
    if n < 2 or not 32 <= size <= 128 or not 0 < contrast <= 0.8 or noise_sd < 0:
        raise ValueError(
            f"n={n} (>= 2), size={size} (32..128), contrast={contrast} (0 < c <= 0.8), "
            f"noise_sd={noise_sd} (>= 0): one is outside its range"
        )
    source = retina()
    planes = np.moveaxis(source.array, -1, 0).astype(np.float32)
    labels = rng.permutation(np.arange(n) % 2)
    array = np.empty((n, size, size), dtype=np.float32)
    lesions, specks = (np.empty(array.shape, dtype=bool) for _ in range(2))
    for i, own in enumerate(rng.spawn(n)):
        patch = retina_patch(planes, split=split, size=size, rng=own)[..., 1]  # green
        # both ratios are drawn whatever the label, so that the label changes the shape alone
        ratios = own.uniform(3.0, 4.5), own.uniform(1.0, 1.25)
        rho = _radius(size, radius=own.uniform(*_RADIUS), ratio=ratios[labels[i]], rng=own)
        lost = contrast * own.uniform(0.8, 1.2) * np.exp(-(rho**4))
        aside = _radius(size, radius=own.uniform(*_RADIUS), ratio=own.uniform(1.0, 3.0), rng=own)
        gained = own.uniform(*_SPECK_GAIN) * np.exp(-(aside**4))
        gain = own.uniform(0.88, 1.12) * own.uniform(0.9, 1.1)
        seen = patch * (1 - lost) * (1 + gained) * gain
        array[i] = np.clip(seen + own.normal(0.0, noise_sd, size=seen.shape), 0, 255)
        lesions[i], specks[i] = rho < 1, aside < 1
    sample = Sample(
        array,
        name=f"simulated/outlined_lesions_{split}",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        licence=f"Apache-2.0 (the generator); the photograph: {source.licence}",
        cite=f"Pixels to Patients, data_fetch/tasks/outlined_lesions.py, on: {source.cite}",
        doi=source.doi,
        note="real texture of one eye, simulated lesions: no claim about patients",
    )
    return OutlinedLesions(
        sample=sample, labels=labels, names=LABEL_NAMES, lesions=lesions, specks=specks
    )


def _radius(
    size: int, *, radius: float, ratio: float, rng: np.random.Generator
) -> Float[np.ndarray, "size size"]:
    """The elliptic radius around a place of the patch; 1 on the ellipse of area pi radius^2."""
    angle = rng.uniform(0, np.pi)
    row, column = rng.uniform(_MARGIN, size - 1 - _MARGIN, size=2)
    down = (np.arange(size) - row)[:, None]
    across = (np.arange(size) - column)[None, :]
    along = np.cos(angle) * down + np.sin(angle) * across
    beside = -np.sin(angle) * down + np.cos(angle) * across
    return np.hypot(along / (radius * np.sqrt(ratio)), beside * np.sqrt(ratio) / radius)
