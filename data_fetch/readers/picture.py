"""PNG, JPEG, TIFF and other pictures, upright and with all their grey levels."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError
from data_fetch.readers.file import existing_file
from data_fetch.sample import Sample, sha256_of_file

_TO_RGB = ("P", "PA", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV")
_PHOTOMETRIC = 262  # TIFF's tag: 0 means that white is stored as zero
_TO_GREY = ("1", "LA", "La")


def read_image(
    path: Path | str,
    *,
    name: str | None = None,
    spacing_mm: tuple[float, ...] | None = None,
    channels: int | None = None,
    **provenance: Any,
) -> Sample:
    """A PNG, JPEG or TIFF picture as Pillow decodes it, turned as its EXIF orientation says.

    Args:
        path: the file.
        name: for the Sample; the file's name by default.
        spacing_mm: between rows and columns; such files do not state it reliably.
        channels: refuse a picture with another number of colours: 1 (grey) or 3.
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of uint8 (row, column) or (row, column, 3), or uint16 (row, column); alpha is
        dropped. Colours of 16 bits come out with the upper 8; the note says so.

    Raises:
        DataError: missing, truncated, not a picture, several pictures in one file, values that are
            neither of 8 nor of 16 bits, or another number of colours than asked for.
    """
    path = existing_file(path)
    array, note = pixels(path)
    found = 1 if array.ndim == 2 else 3
    if channels not in (None, found):
        kinds = {1: f"grey, with {8 * array.itemsize} bits", 3: "in colour"}
        raise DataError(
            f"{path} is {kinds[found]}; a picture {'in colour' if channels == 3 else 'in grey'} "
            "is needed"
        )
    if note:
        provenance["note"] = "; ".join(filter(None, (provenance.get("note"), note)))
    return Sample(
        array,
        name=name or path.name,
        kind="real",
        unit=f"intensity 0..{np.iinfo(array.dtype).max}",
        sha256=sha256_of_file(path),
        spacing_mm=spacing_mm,
        path=path,
        **provenance,
    )


def pixels(path: Path) -> tuple[np.ndarray, str]:
    """The upright picture as uint8 (row, column[, 3]) or uint16 (row, column), and what was lost.

    Raises:
        DataError: as `read_image`.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd tags, and sizes below Pillow's limit
            # not by its name: Pillow 13 maps an uncompressed TIFF as if it had been turned already
            with Image.open(io.BytesIO(path.read_bytes())) as picture:
                frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
                stored = " ".join(str(tile[3]) for tile in picture.tile)
                tags = getattr(picture, "tag_v2", {})
                white_is_zero = tags.get(_PHOTOMETRIC) == 0
                picture.load()
                picture = ImageOps.exif_transpose(picture)
                mode = picture.mode
                if mode in _TO_RGB:
                    picture = picture.convert("RGB")
                elif mode in _TO_GREY:
                    picture = picture.convert("L")
                array = np.array(picture)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} is too large to be read whole: {error}; cut a field out of it first"
        ) from error
    except Exception as error:
        raise DataError(f"{path} is not a readable picture: {error}") from error
    if frames > 1:
        raise DataError(f"{path} holds {frames} pictures; save the one that you mean by itself")
    if array.dtype.kind == "i" and array.size and array.min() >= 0 and array.max() <= 65535:
        array = array.astype(np.uint16)  # Pillow's other name for 16-bit grey
    if array.dtype.kind != "u" or array.dtype.itemsize > 2 or mode == "LAB":
        raise DataError(
            f"{path} holds values of Pillow's mode {mode} ({array.dtype}), whose black and white "
            "are not stated; save it in grey or RGB, with 8 or 16 bits"
        )
    if "I;12" in stored:
        raise DataError(f"{path} holds values of 12 bits; save it with 8 or 16")
    array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.uint16 and white_is_zero:  # Pillow turns 8 bits round, but not 16
        array = np.uint16(65535) - array
    lost = array.dtype == np.uint8 and ";16" in stored
    return array, "stored with 16 bits, of which the upper 8 were read" if lost else ""


def as_rgb8(array: np.ndarray) -> np.ndarray:
    """A picture of `pixels` as uint8 (row, column, 3): 16 bits are scaled, grey is repeated.

    >>> as_rgb8(np.array([[0, 32896, 65535]], dtype=np.uint16))[0, :, 0]
    array([  0, 128, 255], dtype=uint8)
    """
    if array.dtype == np.uint16:
        array = np.rint(array / 257).astype(np.uint8)
    return np.repeat(array[..., None], 3, axis=-1) if array.ndim == 2 else array
