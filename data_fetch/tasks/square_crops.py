"""Square crops of a picture at all scales."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image


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
        crop[:] = at_size(picture[top : top + side, left : left + side], size)
    return crops


def at_size(
    square: UInt8[np.ndarray, "side side 3"], size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """A square picture resized. Pillow widens its filter when it shrinks: no aliasing.

    >>> at_size(np.zeros((40, 40, 3), dtype=np.uint8), 32).shape
    (32, 32, 3)
    """
    scaled = Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(scaled)
