"""Bytes behind the last pixel: no viewer shows them, and they may say anything."""

from __future__ import annotations

from math import prod

from pydicom import Dataset

__all__ = ["cut_tail"]

_BITS = {"PixelData": None, "FloatPixelData": 32, "DoubleFloatPixelData": 64}
_ITEM = b"\xfe\xff\x00\xe0"


def cut_tail(dataset: Dataset) -> tuple[str, ...]:
    """Cut what stands behind the pixels that the header speaks of.

    Of compressed pixels, what stands behind the last fragment is cut; what a compressed stream
    holds besides pixels, such as a comment of JPEG, is not looked into.

    Args:
        dataset: is changed.

    Returns:
        Paths of what was cut.

    Raises:
        ValueError: pixels without rows, columns or bits: where they end is not known.

    Example:
        >>> image = Dataset()
        >>> image.Rows, image.Columns, image.BitsAllocated = 1, 2, 8
        >>> image.PixelData = b"12" + b"JANE"
        >>> cut_tail(image), image.PixelData
        (('(7FE0,0010)',), b'12')

    PS3.5, sections 8.1 and A.4.
    """
    cut = []
    for name, bits in _BITS.items():
        data = dataset.get(name)
        if not data:
            continue
        syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
        compressed = syntax is not None and not syntax.is_private and syntax.is_compressed
        size = _end_of_fragments(data) if compressed else _size(dataset, bits)
        size += size % 2
        if len(data) > size or (len(data) == size and _is_padded(data, dataset, bits, compressed)):
            tag = dataset[name].tag
            dataset[name].value = data[:size] if len(data) > size else data[:-1] + b"\0"
            cut.append(f"({tag.group:04X},{tag.element:04X})")
    return tuple(cut)


def _size(dataset: Dataset, bits: int | None) -> int:
    """Bytes of uncompressed pixels."""
    try:
        numbers = [int(dataset[name].value) for name in ("Rows", "Columns")]
        bits = bits or int(dataset.BitsAllocated)
    except (KeyError, AttributeError, TypeError, ValueError):
        raise ValueError(
            "refused: pixels without Rows, Columns or BitsAllocated; where they end is not known"
        ) from None
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    if "422" in str(dataset.get("PhotometricInterpretation", "")):
        samples = 2  # two pixels share both colours
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return (prod(numbers) * samples * frames * bits + 7) // 8


def _is_padded(data: bytes, dataset: Dataset, bits: int | None, compressed: bool) -> bool:
    """Whether the last byte only makes the number even, and is not zero."""
    return not compressed and _size(dataset, bits) % 2 == 1 and data[-1] != 0


def _end_of_fragments(data: bytes) -> int:
    at = 0
    while data[at : at + 4] == _ITEM:
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return min(at, len(data))
