"""Text in the pixels: what speaks for it, and rectangles that are painted over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

__all__ = ["Rectangle", "mask", "suspicion"]

_MODALITIES = {
    "US",
    "IVUS",
    "SC",
    "OT",
    "XC",
    "ES",
    "GM",
    "SM",
    "DG",
    "TG",
    "RG",
    "HC",
    "DOC",
    "RF",
}
_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture, and its multi-frame kinds below it
    "1.2.840.10008.5.1.4.1.1.6.",  # ultrasound
    "1.2.840.10008.5.1.4.1.1.3.",  # ultrasound, several frames
    "1.2.840.10008.5.1.4.1.1.77.",  # visible light: endoscopy, microscopy, photographs
)
_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)


@dataclass(frozen=True)
class Rectangle:
    """Pixels of every frame: `height` rows from `top`, `width` columns from `left`, from 0."""

    top: int
    left: int
    height: int
    width: int


def suspicion(dataset: Dataset) -> str | None:
    """Why an image may show a name in its pixels; None if nothing speaks for it.

    BurnedInAnnotation decides where it stands. Else whatever is captured from a screen, by
    ultrasound or by a camera is under suspicion until somebody looked. Nothing is recognised here.

    Example:
        >>> image = Dataset()
        >>> image.PixelData, image.Modality = b"", "US"
        >>> suspicion(image)
        'BurnedInAnnotation is missing and the modality is US'
        >>> image.BurnedInAnnotation = "NO"
        >>> suspicion(image) is None
        True

    PS3.15, section E.3.1, Clean Pixel Data Option.
    """
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return None
    stated = str(dataset.get("BurnedInAnnotation", "") or "").strip().upper()
    if stated == "NO":
        return None
    if stated:
        return f"BurnedInAnnotation is {stated if stated == 'YES' else 'neither YES nor NO'}"
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    if modality in _MODALITIES:
        return f"BurnedInAnnotation is missing and the modality is {modality}"
    uid = str(dataset.get("SOPClassUID", "") or "") + "."
    if uid.startswith(_CLASSES):
        return "BurnedInAnnotation is missing and the class is one of captured or visible light"
    if dataset.get("ConversionType"):
        return "BurnedInAnnotation is missing and ConversionType says that it was captured"
    kinds = dataset.get("ImageType") or []
    if "SCREEN SAVE" in ([kinds] if isinstance(kinds, str) else list(kinds)):
        return "BurnedInAnnotation is missing and ImageType says SCREEN SAVE"
    return None


def mask(dataset: Dataset, rectangles: Sequence[Rectangle]) -> None:
    """Put the pixels of rectangles to zero in every frame; all others keep their bits.

    Args:
        dataset: is changed; pixels must be uncompressed, little endian, of 8, 16 or 32 bits, with
            all samples of a pixel stored.
        rectangles: inside the image.

    Raises:
        ValueError: no such pixels, or a rectangle that is not inside.
    """
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if "PixelData" not in dataset or syntax not in _SYNTAXES:
        raise ValueError(
            "only uncompressed little endian PixelData can be masked: decompress first"
        )
    bits, photometric = dataset.BitsAllocated, str(dataset.get("PhotometricInterpretation", ""))
    if bits not in (8, 16, 32) or "422" in photometric or "420" in photometric:
        raise ValueError(f"pixels of {bits} bits in {photometric} cannot be masked: convert first")
    rows, columns = dataset.Rows, dataset.Columns
    samples, frames = dataset.get("SamplesPerPixel", 1), int(dataset.get("NumberOfFrames", 1) or 1)
    for one in rectangles:
        if (
            min(one.top, one.left) < 0
            or min(one.height, one.width) < 1
            or (one.top + one.height > rows or one.left + one.width > columns)
        ):
            raise ValueError(f"{one} is not inside an image of {rows} rows, {columns} columns")
    by_plane = samples > 1 and dataset.get("PlanarConfiguration", 0) == 1
    shape = (frames, samples, rows, columns) if by_plane else (frames, rows, columns, samples)
    size = int(np.prod(shape)) * bits // 8
    data = bytearray(dataset.PixelData)
    if len(data) < size:
        raise ValueError(f"PixelData has {len(data)} bytes; the header speaks of {size}")
    pixels = np.frombuffer(memoryview(data)[:size], dtype=f"<u{bits // 8}").reshape(shape)
    pixels = pixels if by_plane else np.moveaxis(pixels, -1, 1)  # (frames, samples, rows, columns)
    for one in rectangles:
        pixels[:, :, one.top : one.top + one.height, one.left : one.left + one.width] = 0
    dataset.PixelData = bytes(data)
