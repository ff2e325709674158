"""Square crops of pictures at all scales, and the question from which photograph a crop comes.

Everything here is real: crops are cut, resized and made grey, nothing is put in.
"""

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from data_fetch.packaged import photograph, photograph_names
from data_fetch.sample import Sample, sha256_of_array


def square_crops(
    picture: UInt8[np.ndarray, "height width 3"],
    n: int,
    *,
    size: int,
    rng: np.random.Generator,
    widest: int | None = None,
) -> UInt8[np.ndarray, "n size size 3"]:
    """n random squares of a picture, `size` pixels wide or wider, resized to `size`.

    Args:
        picture: a picture of any shape; one smaller than `size` is enlarged.
        n: how many, >= 1.
        size: side after resizing, in pixels.
        rng: the source of randomness.
        widest: largest side that is cut out; by default all that fits.

    Raises:
        ValueError: n, size or widest is not positive.

    >>> picture = np.zeros((40, 60, 3), dtype=np.uint8)
    >>> square_crops(picture, 2, size=32, rng=np.random.default_rng(0)).shape
    (2, 32, 32, 3)
    """
    if n < 1 or size < 1 or (widest is not None and widest < 1):
        raise ValueError(f"n={n}, size={size}, widest={widest}: all must be at least 1")
    room = min(*picture.shape[:2], widest or max(picture.shape))
    crops = np.empty((n, size, size, 3), dtype=np.uint8)
    for crop in crops:
        side = int(rng.integers(min(size, room), room + 1))
        top, left = (int(rng.integers(0, whole - side + 1)) for whole in picture.shape[:2])
        part = Image.fromarray(picture[top : top + side, left : left + side])
        # Pillow widens its filter when it shrinks an image: no aliasing
        crop[:] = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
    return crops


def which_photograph(
    n: int, *, split: str, rng: np.random.Generator, size: int = 64
) -> tuple[Sample, Int[np.ndarray, " n"]]:
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
        (Sample of uint8 (n, size, size, 3), labels: indexes into `photograph_names()`).

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
    sample = Sample(
        array,
        name=f"photographs/which_photograph_{split}",
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        licence="the photographs' own: CC0, public domain and CC BY 2.0; see their card",
        cite="van der Walt S et al. scikit-image: image processing in Python. PeerJ 2014;2:e453; "
        "Pedregosa F et al. Scikit-learn: machine learning in Python. JMLR 2011;12:2825-2830.",
        doi="10.7717/peerj.453",
        note="grey crops of fourteen photographs: test crops show the same scenes elsewhere",
    )
    return sample, labels
