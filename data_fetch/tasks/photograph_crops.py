"""Crops of the packaged photographs: a near task, a stand-in for ImageNet, and two memory tests.

Everything here is real: crops are cut, resized, perhaps mirrored or made grey; nothing is put in.
"""

import numpy as np

from data_fetch.labelled import Labelled
from data_fetch.packaged import photograph, photograph_names
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.tasks.square_crops import at_size, square_crops

LABEL_NAMES = ("living", "made by people")
_NOTE = "crops of a few photographs: test crops show the training scenes from elsewhere"
_LIVING = ("cat", "flower", "grass")
_MADE = ("brick", "china", "coffee")
# Sixths of a photograph's width, so that no pixel is shared between the splits.
_SIXTHS = {"train": (0, 3), "validation": (1, 4), "test": (2, 5)}
#: The classes that count as right for each photograph that the ImageNet weights recognise.
RECOGNISED = {
    "cat": frozenset({281, 282, 283, 284, 285}),
    "coffee": frozenset({504, 967, 968}),
    "camera": frozenset({872}),
    "rocket": frozenset({657, 744, 812}),
}
ACCEPTED = tuple(RECOGNISED.values())


def living_or_made(n: int, *, split: str, rng: np.random.Generator, size: int = 64) -> Labelled:
    """n crops of six photographs; half show something living, half something made by people.

    Living: a cat, a flower, grass. Made: bricks, a temple, a cup of coffee. The splits take
    different vertical strips of the same six photographs: a test image shows the same scene from
    another place, never a new scene.

    Args:
        n: how many, >= 2; an odd one out is living.
        split: "train", "validation" or "test".
        rng: the source of randomness; crop i depends on n through its label only.
        size: side in pixels, 32..128; what is cut out is one to two times as wide where it fits.

    Returns:
        Labelled uint8 images (n, size, size, 3), 1 = made by people, in random order.

    Raises:
        ValueError: an unknown split, or a number outside its range.

    >>> crops, labels = living_or_made(6, split="test", rng=np.random.default_rng(0))
    >>> crops.array.shape, crops.kind, sorted(labels.tolist())
    ((6, 64, 64, 3), 'real', [0, 0, 0, 1, 1, 1])
    """
    if split not in _SIXTHS:
        raise ValueError(f"split is {split!r}; choose {', '.join(map(repr, _SIXTHS))}")
    _check(n, size)
    pictures = {name: photograph(name).array for name in (*_LIVING, *_MADE)}
    labels = rng.permutation(np.arange(n) % 2)
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        picture = pictures[own.choice(_MADE if labels[i] else _LIVING)]
        width = picture.shape[1]
        sixth = own.choice(_SIXTHS[split])
        strip = picture[:, width * sixth // 6 : width * (sixth + 1) // 6]
        widest = min(2 * size, *strip.shape[:2])
        side = int(own.integers(min(size, widest), widest + 1))
        array[i] = _crop(strip, side=side, size=size, rng=own)
    sample = _sample(array, f"photographs/living_or_made_{split}")
    return Labelled(sample=sample, labels=labels, names=LABEL_NAMES)


def source_like(n: int, *, rng: np.random.Generator, size: int = 64) -> Sample:
    """n crops of all packaged photographs at all scales, as ImageNet's training cuts its images.

    A stand-in for ImageNet itself, which no wheel brings: fourteen photographs, not a million.

    >>> source_like(3, rng=np.random.default_rng(0)).array.shape
    (3, 64, 64, 3)
    """
    _check(n, size)
    pictures = [photograph(name).array for name in photograph_names()]
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        picture = pictures[own.integers(len(pictures))]
        short = min(picture.shape[:2])
        # the share of the area is uniform from 8 % up, as in the crops ImageNet networks train on
        side = int(short * np.sqrt(own.uniform(0.08, 1.0)))
        array[i] = _crop(picture, side=side, size=size, rng=own)
    return _sample(array, "photographs/source_like")


def recognisable(n: int, *, rng: np.random.Generator, size: int = 96) -> Labelled:
    """n crops of four photographs that the ImageNet weights name.

    Returns:
        Labelled uint8 images (n, size, size, 3), each with its photograph. Which ImageNet classes
        count as right for label k is in ``ACCEPTED[k]``.

    >>> crops, groups = recognisable(8, rng=np.random.default_rng(0))
    >>> groups.tolist(), len(ACCEPTED)
    ([0, 1, 2, 3, 0, 1, 2, 3], 4)
    """
    _check(n, size)
    pictures = [photograph(name).array for name in RECOGNISED]
    groups = np.arange(n) % len(pictures)
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        picture = pictures[groups[i]]
        side = int(min(picture.shape[:2]) * own.uniform(0.75, 1.0))
        # near the middle: a corner of the photograph need not show what it is a photograph of
        array[i] = _crop(picture, side=side, size=size, rng=own, spread=0.5)
    sample = _sample(array, "photographs/recognisable")
    return Labelled(sample=sample, labels=groups, names=tuple(RECOGNISED))


def which_photograph(n: int, *, split: str, rng: np.random.Generator, size: int = 64) -> Labelled:
    """n grey crops of equal brightness and contrast; the label says from which photograph.

    Colour, brightness and contrast, which would give most photographs away, are taken out: every
    crop is the mean of its colours, shifted to 127 and scaled to a standard deviation of 45. What
    is left is texture and shape. Training crops come from the left half of each photograph, test
    crops from the right half.

    Args:
        n: how many; each of the photographs in turn.
        split: "train" or "test".
        rng: the source of randomness.
        size: side in pixels; what is cut out is one to two times as wide where it fits.

    Returns:
        Labelled uint8 images (n, size, size, 3); names are `photograph_names()`.

    Raises:
        ValueError: an unknown split, or fewer crops than photographs.

    >>> crops, labels = which_photograph(28, split="test", rng=np.random.default_rng(0))
    >>> crops.array.shape, int(labels.max())
    ((28, 64, 64, 3), 13)
    """
    names = photograph_names()
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; choose "train" or "test"')
    if n < len(names):
        raise ValueError(f"n={n}: there are {len(names)} photographs, ask for a crop of each")
    labels = np.arange(n) % len(names)
    halves = {}
    for label, name in enumerate(names):
        picture = photograph(name).array
        middle = picture.shape[1] // 2
        halves[label] = picture[:, :middle] if split == "train" else picture[:, middle:]
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        crop = square_crops(halves[int(label)], 1, size=size, rng=rng, widest=2 * size)[0]
        grey = crop.mean(axis=-1)
        even = (grey - grey.mean()) / max(float(grey.std()), 1.0) * 45 + 127
        array[i] = np.clip(np.rint(even), 0, 255)[..., None]
    note = "grey crops of fourteen photographs: test crops show the same scenes elsewhere"
    sample = _sample(array, f"photographs/which_photograph_{split}", note=note)
    return Labelled(sample=sample, labels=labels, names=names)


def _check(n: int, size: int) -> None:
    if n < 2 or not 32 <= size <= 128:
        raise ValueError(f"n={n} (>= 2), size={size} (32..128): one is outside its range")


def _crop(
    picture: np.ndarray, *, side: int, size: int, rng: np.random.Generator, spread: float = 1.0
) -> np.ndarray:
    """A square crop, its centre within `spread` of the free room, resized and perhaps mirrored."""
    free = np.array(picture.shape[:2]) - side
    row, column = np.rint(free * (0.5 + spread * (rng.random(2) - 0.5))).astype(int)
    crop = picture[row : row + side, column : column + side]
    crop = at_size(crop, size)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _sample(array: np.ndarray, name: str, *, note: str = _NOTE) -> Sample:
    return Sample(
        array,
        name=name,
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        licence="the photographs' own: CC0, public domain and CC BY 2.0; see their card",
        cite="van der Walt S et al. scikit-image: image processing in Python. PeerJ 2014;2:e453; "
        "Pedregosa F et al. Scikit-learn: machine learning in Python. JMLR 2011;12:2825-2830.",
        doi="10.7717/peerj.453",
        note=note,
    )
