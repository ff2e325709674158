"""What goes wrong with studies on their way, one fault at a time, as an archive may hold it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from pydicom import Dataset
from pydicom.uid import CTImageStorage, JPEGLSNearLossless, RLELossless

__all__ = ["FAULTS", "plant"]

Series = Sequence[Dataset]


def _none(series: list[Dataset], other: Series) -> None:
    """As it should be."""


def _wrong_modality(series: list[Dataset], other: Series) -> None:
    for one in series:
        one.Modality = "CT"
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = CTImageStorage


def _missing_spacing(series: list[Dataset], other: Series) -> None:
    for one in series:
        del one.PixelSpacing


def _duplicate(series: list[Dataset], other: Series) -> None:
    """One slice was sent twice; the second time it was given a new UID."""
    again = copy.deepcopy(series[3])
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = f"{again.SOPInstanceUID}9"
    series.append(again)


def _half(series: list[Dataset], other: Series) -> None:
    """The upper half never came: what is there is evenly spaced."""
    del series[len(series) // 2 :]


def _gap(series: list[Dataset], other: Series) -> None:
    del series[len(series) // 2]


def _another_patient(series: list[Dataset], other: Series) -> None:
    """A slice of another head, filed under this series; its header still says whose it is."""
    stray = copy.deepcopy(other[4])
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "AccessionNumber"):
        setattr(stray, name, getattr(series[4], name))
    series[4] = stray


def _monochrome1(series: list[Dataset], other: Series) -> None:
    """Stored as a negative: low values are to be shown bright."""
    for one in series:
        top = 2**one.BitsStored - 1
        one.PixelData = (top - one.pixel_array).astype("<u2").tobytes()
        one["PixelData"].VR = "OW"
        one.PhotometricInterpretation = "MONOCHROME1"


def _compressed(series: list[Dataset], other: Series) -> None:
    for one in series:
        one.compress(RLELossless, generate_instance_uid=False)


def _lossy(series: list[Dataset], other: Series) -> None:
    """Rounded to 32 levels, as an archive may have done to save room; the header says so."""
    for one in series:
        one.LossyImageCompression, one.LossyImageCompressionRatio = "01", "12"
        one.PixelData = (one.pixel_array // 128 * 128).astype("<u2").tobytes()
        one["PixelData"].VR = "OW"


def _lossy_unsaid(series: list[Dataset], other: Series) -> None:
    """Compressed with an error of up to 40 stored units, and the header says nothing of it."""
    for one in series:
        one.compress(JPEGLSNearLossless, jls_error=40, generate_instance_uid=False)
        for name in ("", "Ratio", "Method"):
            one.pop(f"LossyImageCompression{name}", None)


FAULTS: dict[str, Callable[[list[Dataset], Series], None]] = {
    "none": _none,
    "wrong modality": _wrong_modality,
    "missing spacing": _missing_spacing,
    "duplicate": _duplicate,
    "half a series": _half,
    "a slice missing": _gap,
    "another patient's slice": _another_patient,
    "MONOCHROME1": _monochrome1,
    "compressed": _compressed,
    "lossy compression": _lossy,
    "lossy, not said": _lossy_unsaid,
}


def plant(fault: str, series: Series, *, other: Series) -> list[Dataset]:
    """A copy of a series with one fault.

    Args:
        fault: one of `FAULTS`.
        series: of `as_series`.
        other: a series of another patient.

    Raises:
        ValueError: an unknown fault, or fewer than six slices in either series.
    """
    if fault not in FAULTS:
        raise ValueError(f"fault is {fault!r}; one of {', '.join(FAULTS)}")
    if min(len(series), len(other)) < 6:
        raise ValueError("both series need six slices or more")
    found = [copy.deepcopy(one) for one in series]
    FAULTS[fault](found, other)
    return found
