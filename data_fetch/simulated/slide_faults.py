"""What goes wrong with a slide after the tissue is right: ten faults, put into any tiles.

Each takes uint8 RGB tiles and a generator, and gives tiles of the same shape. How strong a fault
is, and where, is drawn tile by tile. Faults of absorbing things (ink, a fold) add optical density,
as Beer-Lambert's law has it.
"""

import io
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

__all__ = [
    "FAULTS",
    "air_bubble",
    "compressed",
    "faded",
    "folded",
    "knife_chatter",
    "out_of_focus",
    "overexposed",
    "pen_stroke",
    "pixelated",
    "underexposed",
]

Tiles = UInt8[np.ndarray, "n size size 3"]
# Optical density of felt pens in red, green, blue: blue, red, green.
_INKS = np.array([[0.72, 0.40, 0.24], [0.24, 0.64, 0.72], [0.68, 0.24, 0.52]])


def out_of_focus(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """Blurred by a Gaussian of 1.2 to 2.5 pixels.

    >>> edge = np.zeros((1, 32, 32, 3), np.uint8); edge[:, :, 16:] = 200
    >>> sharp = out_of_focus(edge, rng=np.random.default_rng(0))
    >>> int(sharp[0, 16, 15, 0]) > 0
    True
    """
    sigmas = rng.uniform(1.2, 2.5, size=len(images))
    blurred = [
        gaussian_filter(x.astype(float), (s, s, 0)) for x, s in zip(images, sigmas, strict=True)
    ]
    return _as_bytes(np.stack(blurred))


def pen_stroke(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """A straight stroke of a felt pen, 8 to 18 pixels wide, in one of three inks."""
    half = rng.uniform(4, 9, size=(len(images), 1, 1))
    stroke = _soft(half - np.abs(_across(images, rng)), edge_px=0.8)
    ink = _INKS[rng.integers(len(_INKS), size=len(images))]
    return _from_density(_density(images) + stroke[..., None] * ink[:, None, None])


def folded(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """A band, 10 to 24 pixels wide, in which the tissue lies double: twice the absorption."""
    half = rng.uniform(5, 12, size=(len(images), 1, 1))
    band = _soft(half - np.abs(_across(images, rng)), edge_px=1.0)
    density = _density(images)
    return _from_density(density + band[..., None] * density[:, ::-1])


def air_bubble(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """A bubble under the cover glass: a dark rim, and paler, blurred tissue inside."""
    n, size = len(images), images.shape[1]
    centre = rng.uniform(0.2, 0.8, size=(n, 2, 1, 1)) * size
    radius = rng.uniform(0.25, 0.45, size=(n, 1, 1)) * size
    ticks = np.arange(size)
    away = np.hypot(ticks[None, :, None] - centre[:, 0], ticks[None, None, :] - centre[:, 1])
    inside = _soft(radius - away, edge_px=0.8)[..., None]
    rim = np.exp(-(((away - radius) / 2) ** 2))[..., None]
    density = _density(images)
    blurred = np.stack([gaussian_filter(x, (1.5, 1.5, 0)) for x in density])
    return _from_density(density * (1 - inside) + 0.7 * blurred * inside + 0.35 * rim)


def overexposed(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """15 to 40 % too much light: what was pale is saturated."""
    return _as_bytes(images * rng.uniform(1.15, 1.4, size=(len(images), 1, 1, 1)))


def underexposed(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """25 to 50 % too little light."""
    return _as_bytes(images * rng.uniform(0.5, 0.75, size=(len(images), 1, 1, 1)))


def faded(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """Bleached by light: 10 to 30 % less absorption, of every colour alike."""
    return _from_density(_density(images) * rng.uniform(0.7, 0.9, size=(len(images), 1, 1, 1)))


def pixelated(images: Tiles, *, rng: np.random.Generator, block_px: int = 4) -> Tiles:
    """Blocks of one colour each, as too strong a compression leaves them.

    Args:
        images: whose sides are multiples of the block's.
        rng: draws nothing; every fault takes one.
        block_px: side of a block.

    Raises:
        ValueError: the side of a tile is no multiple of it.
    """
    n, size = images.shape[:2]
    if size % block_px:
        raise ValueError(f"a side of {size} px is no multiple of block_px={block_px}")
    few = size // block_px
    means = images.reshape(n, few, block_px, few, block_px, 3).mean(axis=(2, 4))
    return _as_bytes(means.repeat(block_px, axis=1).repeat(block_px, axis=2))


def knife_chatter(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """Ripples of thickness, 6 to 14 pixels long, where the knife trembled: 5 to 15 % each way.

    >>> flat = np.full((1, 32, 32, 3), 128, np.uint8)
    >>> rippled = knife_chatter(flat, rng=np.random.default_rng(0))
    >>> bool(rippled.min() < 128 < rippled.max())
    True
    """
    depth, length, phase = (
        rng.uniform(low, high, size=(len(images), 1, 1))
        for low, high in ((0.05, 0.15), (6, 14), (0, 2 * np.pi))
    )
    ripple = depth * np.sin(2 * np.pi * _across(images, rng) / length + phase)
    return _from_density(_density(images) * (1 + ripple[..., None]))


def compressed(images: Tiles, *, rng: np.random.Generator) -> Tiles:
    """Saved as JPEG of a quality of 15 to 40, and read again."""
    qualities = rng.integers(15, 41, size=len(images))
    return np.stack([_as_jpeg(x, int(q)) for x, q in zip(images, qualities, strict=True)])


def _as_jpeg(image: UInt8[np.ndarray, "size size 3"], quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


FAULTS: dict[str, Callable[..., Tiles]] = {
    "out of focus": out_of_focus,
    "pen": pen_stroke,
    "fold": folded,
    "air bubble": air_bubble,
    "overexposed": overexposed,
    "underexposed": underexposed,
    "faded": faded,
    "pixelated": pixelated,
    "knife chatter": knife_chatter,
    "compressed": compressed,
}


def _density(images: Tiles) -> Float[np.ndarray, "n size size 3"]:
    return -np.log10(np.maximum(images, 1) / 255)


def _from_density(density: Float[np.ndarray, "n size size 3"]) -> Tiles:
    return _as_bytes(255 * 10**-density)


def _as_bytes(values: np.ndarray) -> Tiles:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _soft(depth: np.ndarray, *, edge_px: float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(depth / edge_px, -50, 50)))


def _across(images: Tiles, rng: np.random.Generator) -> Float[np.ndarray, "n size size"]:
    """Signed distance in pixels from a random line through the middle half of each tile."""
    n, size = images.shape[:2]
    angle = rng.uniform(0, np.pi, size=(n, 1, 1))
    aside = rng.uniform(-0.25, 0.25, size=(n, 1, 1)) * size
    ticks = np.arange(size) - (size - 1) / 2
    return np.cos(angle) * ticks[:, None] + np.sin(angle) * ticks[None, :] - aside
