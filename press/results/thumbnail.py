"""Figures by their pixels: a digest for equality, a small grey thumbnail for likeness."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from press.errors import UserError

THUMBNAIL_SIDE = 32
# A thumbnail's cell averages some hundred pixels. Tried on figures of the book's style, in grey
# levels of 255: last bits of another processor move it by less than 1, changed digits in a label by
# 4 to 7, a curve that rose by 5 % of the axis by 24.
THUMBNAIL_TOLERANCE = 16.0


def read_pixels(path: Path) -> np.ndarray:
    """The decoded pixels of an image file, (height, width, 4) uint8.

    Raises:
        UserError: the file is missing or is no image.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA"))
    except FileNotFoundError:
        raise UserError(f"figure file {path} is missing; run the chapter again") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"figure file {path} cannot be decoded ({error}); run the chapter again"
        ) from None


def pixels_digest(pixels: np.ndarray) -> str:
    """The sha256 of decoded pixels and their shape, as `medlib.experiment` records it."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """A 32 x 32 grey picture of `pixels` over white, each cell the mean of its pixels, uint8.

    >>> thumbnail(np.zeros((64, 96, 4), np.uint8)).mean()  # fully transparent: white
    np.float64(255.0)
    """
    image = Image.fromarray(pixels)
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    small = white.convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return np.asarray(small)


def encode_thumbnail(small: np.ndarray) -> str:
    """A thumbnail as text.

    >>> small = np.arange(1024, dtype=np.uint16).astype(np.uint8).reshape(32, 32)
    >>> bool((decode_thumbnail(encode_thumbnail(small)) == small).all())
    True
    """
    return base64.b64encode(np.ascontiguousarray(small, dtype=np.uint8).tobytes()).decode("ascii")


def decode_thumbnail(text: str) -> np.ndarray:
    """The inverse of `encode_thumbnail`.

    Raises:
        ValueError: the text is not a thumbnail.
    """
    data = base64.b64decode(text, validate=True)
    if len(data) != THUMBNAIL_SIDE**2:
        raise ValueError(f"a thumbnail has {THUMBNAIL_SIDE**2} bytes, this has {len(data)}")
    return np.frombuffer(data, np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def thumbnail_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The largest difference of two thumbnails' cells, in grey levels 0..255."""
    return float(np.abs(first.astype(np.int16) - second.astype(np.int16)).max())
