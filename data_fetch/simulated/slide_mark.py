"""What people leave on slides: a pen's ink, a scanner's label. The classic shortcuts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from scipy.ndimage import gaussian_filter

KINDS = ("ink", "label")
# Optical density of a green marker in red, green, blue.
_INK_DENSITY = np.array([0.75, 0.18, 0.55], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class MarkedTiles:
    """Tiles with marks: `images` uint8 RGB, and `mask`, True where a mark changed them."""

    images: UInt8[np.ndarray, "n size size 3"]
    mask: Bool[np.ndarray, "n size size"]


def mark_tiles(
    images: UInt8[np.ndarray, "n size size 3"],
    which: Bool[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    kind: str = "ink",
    share: float = 0.2,
) -> MarkedTiles:
    """Put a mark into one corner of some tiles; the others stay as they are, to the byte.

    Ink is translucent and absorbs by Beer-Lambert over the tissue; a label is opaque: dark bars on
    white paper.

    Args:
        images: the tiles; not changed.
        which: the tiles that get a mark, e.g. ``labels == 1`` for a perfect shortcut.
        rng: chooses corner and shape; tile i's mark depends on nothing but rng and i.
        kind: "ink" or "label".
        share: side of the marked corner as a share of the tile's side, 0.1 to 0.5.

    Returns:
        MarkedTiles.

    Raises:
        ValueError: another kind or share, or `which` of another length.

    >>> grey = np.full((2, 40, 40, 3), 200, np.uint8)
    >>> marked = mark_tiles(grey, np.array([True, False]), rng=np.random.default_rng(0))
    >>> bool(marked.mask[0].any()), bool((marked.images[1] == 200).all())
    (True, True)
    """
    if kind not in KINDS or not 0.1 <= share <= 0.5:
        raise ValueError(f'kind={kind!r} ("ink" or "label"), share={share} (0.1 to 0.5)')
    if len(which) != len(images):
        raise ValueError(f"which has {len(which)} entries for {len(images)} images")
    draw = _ink if kind == "ink" else _label
    out, mask = images.copy(), np.zeros(images.shape[:3], dtype=bool)
    side = max(4, round(share * images.shape[1]))
    for i, own in enumerate(rng.spawn(len(images))):
        if which[i]:
            down, across = (
                slice(0, side) if first else slice(-side, None) for first in own.integers(2, size=2)
            )
            before = images[i, down, across]
            out[i, down, across] = draw(before, rng=own)
            mask[i, down, across] = (out[i, down, across] != before).any(axis=2)
    return MarkedTiles(out, mask)


def _ink(patch: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """One thick stroke through the patch, uneven and translucent."""
    side = len(patch)
    ticks = np.arange(side) - (side - 1) / 2
    angle = rng.uniform(0, np.pi)
    off = np.cos(angle) * ticks[:, None] + np.sin(angle) * ticks[None, :]
    ragged = gaussian_filter(rng.standard_normal((side, side)), 1.5) * 1.5
    amount = np.clip(0.28 * side - np.abs(off) + ragged, 0, 1).astype(np.float32)
    density = rng.uniform(0.8, 1.2) * amount[..., None] * _INK_DENSITY
    return np.rint(patch * np.float32(10) ** -density).astype(np.uint8)


def _label(patch: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """White paper with dark bars of random width along one direction."""
    side = len(patch)
    bars = np.repeat(rng.random(side) < 0.5, rng.integers(1, 4, size=side))[:side]
    paper = np.full((side, side), 250, dtype=np.uint8)
    inner = slice(1, side - 1)
    paper[inner, inner] = np.where(bars[inner], 30, 250)[None, :]
    if rng.integers(2):
        paper = paper.T
    return np.repeat(paper[..., None], 3, axis=2)
