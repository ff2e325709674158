"""Real images of other kinds than H&E, as square tiles at their own scale."""

import numpy as np
from jaxtyping import UInt8

from data_fetch.packaged import head_ct, ihc, mni152, photograph, retina
from data_fetch.sample import Sample, sha256_of_array

__all__ = ["MODALITIES", "other_modality"]

#: what there is, and what each is cut from
MODALITIES = {
    "fundus": "one colour photograph of a retina",
    "immunostain": "one field of colonic glands, brown and blue",
    "brain MR": "axial slices of the MNI152 average of 152 brains",
    "head CT": "one slice, shown in a window of -20 to 100 HU",
    "objects": "photographs of bricks, coins, a flower and a rocket",
}
_LEAST_SD = 6.0  # grey levels; flatter tiles are background
_TRIES = 200


def other_modality(name: str, n: int, *, rng: np.random.Generator, size: int = 64) -> Sample:
    """n square tiles, cut at random places, never resized; nearly flat ones are left out.

    Args:
        name: one of `MODALITIES`.
        n: how many, >= 1.
        rng: the source of randomness.
        size: side in pixels, 32..256.

    Returns:
        Sample of uint8 (n, size, size, 3), of kind "real"; tiles of one picture may overlap.

    Raises:
        ValueError: another name, or a number out of its range.

    >>> tiles = other_modality("fundus", 2, rng=np.random.default_rng(0))
    >>> tiles.array.shape, tiles.kind
    ((2, 64, 64, 3), 'real')
    """
    if name not in MODALITIES:
        raise ValueError(f"no modality {name!r}; there are {', '.join(MODALITIES)}")
    if n < 1 or not 32 <= size <= 256:
        raise ValueError(f"n={n} (>= 1), size={size} (32..256): one is outside its range")
    pictures, source = _pictures(name)
    tiles = np.stack([_tile(pictures[i % len(pictures)], size=size, rng=rng) for i in range(n)])
    return source.with_array(
        tiles,
        name=f"tiles/{name}, {size} px",
        sha256=sha256_of_array(tiles),
        kind="real",
        unit="intensity 0..255",
        spacing_mm=None,
        path=None,
        affine=None,
        note=f"{MODALITIES[name]}, cut into tiles; no claim about patients",
    )


def _pictures(name: str) -> tuple[list[UInt8[np.ndarray, "rows columns 3"]], Sample]:
    """The pictures of one kind in colour, and where they come from."""
    if name == "objects":
        found = [photograph(each) for each in ("brick", "coins", "flower", "rocket")]
        return [each.array for each in found], found[0]
    if name == "brain MR":
        source = mni152("t1")
        levels = range(60, 120, 6)
        return [_grey(255 * source.array[:, :, level]) for level in levels], source
    if name == "head CT":
        source = head_ct()
        return [_grey(255 * (source.array + 20) / 120)], source
    source = {"fundus": retina, "immunostain": ihc}[name]()
    return [source.array], source


def _grey(values: np.ndarray) -> UInt8[np.ndarray, "rows columns 3"]:
    grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _tile(
    picture: UInt8[np.ndarray, "rows columns 3"], *, size: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """A random square that is not background; after many tries the one with most contrast."""
    rows, columns = picture.shape[:2]
    if min(rows, columns) < size:
        raise ValueError(f"a picture of {rows} x {columns} px holds no tile of {size} px")
    best = None
    for _ in range(_TRIES):
        top, left = rng.integers(rows - size + 1), rng.integers(columns - size + 1)
        tile = picture[top : top + size, left : left + size]
        if tile.std() > _LEAST_SD:
            return tile
        if best is None or tile.std() > best.std():
            best = tile
    return best
