"""A dot of pen ink in a corner of some tiles: the classical shortcut of slides from an archive.

Pathologists mark what they found; scanned, the mark becomes part of the image, and of the label.
"""

import numpy as np
from jaxtyping import Bool, UInt8

INK_RGB = (40, 120, 60)  # a green felt pen


def ink_marks(
    n: int, *, size: int, rng: np.random.Generator, radius_px: float = 9.5
) -> Bool[np.ndarray, "n size size"]:
    """Where the ink of n tiles would be: a disc in one of the four corners, drawn at random.

    Args:
        n: tiles.
        size: side of a tile in pixels.
        rng: the source of randomness.
        radius_px: of the disc, which keeps 6 pixels clear of the edges.

    Raises:
        ValueError: the disc does not fit into a quarter of the tile.

    >>> marks = ink_marks(3, size=64, rng=np.random.default_rng(0))
    >>> marks.shape, np.unique(marks.sum(axis=(1, 2))).tolist()
    ((3, 64, 64), [293])
    """
    gap = 6
    if not 0 < radius_px <= (size / 2 - gap) / 2:
        raise ValueError(
            f"radius_px={radius_px} in tiles of {size} px: a quarter of the tile less {gap} px at "
            f"the edge holds at most {(size / 2 - gap) / 2:g}"
        )
    near, far = gap - 0.5 + radius_px, size - gap - 0.5 - radius_px
    centre = np.where(rng.integers(2, size=(n, 2)) == 1, far, near)
    ticks = np.arange(size)
    down = ticks[None, :, None] - centre[:, 0, None, None]
    across = ticks[None, None, :] - centre[:, 1, None, None]
    return down**2 + across**2 < radius_px**2


def with_ink(
    images: UInt8[np.ndarray, "n size size 3"],
    *,
    marks: Bool[np.ndarray, "n size size"],
    which: Bool[np.ndarray, " n"],
) -> UInt8[np.ndarray, "n size size 3"]:
    """A copy of the tiles in which those of `which` carry their mark.

    >>> blank = np.full((2, 64, 64, 3), 243, dtype=np.uint8)
    >>> marks = ink_marks(2, size=64, rng=np.random.default_rng(0))
    >>> inked = with_ink(blank, marks=marks, which=np.array([True, False]))
    >>> bool((inked[0] != blank[0]).any()), bool((inked[1] != blank[1]).any())
    (True, False)
    """
    inked = images.copy()
    inked[marks & which[:, None, None]] = INK_RGB
    return inked
