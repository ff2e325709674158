"""What the headers of one study's images must say, and say alike; each fault is a refusal.

Nothing here is a repair: two headers that disagree do not tell which of them is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom import Dataset

from medlib.systems.clinic.transfer_syntaxes import RIGHT, syntax_that_may_lose

__all__ = ["MODALITIES", "header_faults", "pixel_faults", "same_everywhere", "syntax_faults"]

Fault = tuple[str, str]
"""In a word or two, and in a sentence that names nobody."""

_TERMS = (
    "AR AS ASMT AU BDUS BI BMD CD CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EPS ES FID GM HC HD IO"
    " IOL IVOCT IVUS KER KO LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN"
    " POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT"
    " RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC"
)
MODALITIES = frozenset(_TERMS.split())
"""Defined terms of the attribute Modality; only these are quoted, for it may hold any word."""

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")
_ONE_PATIENT = ("PatientID", "PatientName", "PatientBirthDate")
_ONE_SERIES = {
    "StudyInstanceUID": "studies",
    "SeriesInstanceUID": "series",
    "FrameOfReferenceUID": "frames of space",
    "EchoTime": "echo times",
    "InversionTime": "inversion times",
    "ImageType": "kinds of image",
}


def header_faults(images: Sequence[Dataset], *, modality: str) -> Iterator[Fault]:
    """Whose images they are, of which series, and made how.

    Args:
        images: of one study, as they came.
        modality: that the networks read.

    Yields:
        Each fault, once.

    DICOM PS3.3, C.7.1.1 (patient), C.7.6.1 (ImageType), C.7.6.1.1.5 (lossy compression).
    """
    n = len(images)
    if wrong := sorted({_text(one, "Modality") for one in images} - {modality}):
        words = {word if word in MODALITIES else "not stated or unknown" for word in wrong}
        yield "wrong modality", f"modality {', '.join(sorted(words))}; the networks read {modality}"
    differ = [name for name in _ONE_PATIENT if len({_text(one, name) for one in images}) > 1]
    if differ:
        yield "another patient", f"{n} images differ in {', '.join(differ)}: which are right?"
    for name in _UIDS:
        if missing := sum(not _text(one, name) for one in images):
            yield "no UID", f"{missing} of {n} images have no {name}"
    for name, what in _ONE_SERIES.items():
        if len(found := {_text(one, name) for one in images}) > 1:
            yield "mixed series", f"{n} images of {len(found)} {what}"
    if derived := sum(_text(one, "ImageType").startswith("DERIVED") for one in images):
        yield "derived", f"{derived} of {n} images were computed from others, not acquired"
    if lossy := sum(map(_is_lossy, images)):
        yield "lossy", f"{lossy} of {n} images were compressed with loss: details are invented"
    scales = {_scale(one) for one in images}
    if len(scales) > 1 or not all(slope > 0 for slope, _ in scales):
        yield (
            "rescaled",
            "stored values are to be rescaled, not alike in all images or by a negative",
        )
    turned = {_text(one, "PresentationLUTShape") or "none" for one in images}
    kinds = {_text(one, "PhotometricInterpretation") for one in images}
    if len(kinds) > 1 or ("INVERSE" in turned and kinds != {"MONOCHROME1"}):
        yield "half a negative", "some images say that they are negatives, and others do not"


def syntax_faults(images: Sequence[Dataset]) -> Iterator[Fault]:
    """Whether all came in a transfer syntax that keeps every voxel, whatever headers say of loss.

    An image without one is none of these: it cannot be decoded.
    """
    came = [str(getattr(one, "file_meta", {}).get("TransferSyntaxUID", "")) for one in images]
    found = [name for uid in came if uid and (name := syntax_that_may_lose(uid))]
    if found:
        yield (
            "lossy syntax",
            f"{len(found)} of {len(came)} images came in {', '.join(sorted(set(found)))}, which may"
            f" lose details; send them {RIGHT}",
        )


def pixel_faults(images: Sequence[Dataset]) -> Iterator[Fault]:
    """Whether there is one frame of as many bytes as the header speaks of; after decoding."""
    n = len(images)
    if several := sum(int(one.get("NumberOfFrames", None) or 1) > 1 for one in images):
        yield "no grey image", f"{several} of {n} objects hold several frames"
        return
    short = 0
    for one in images:
        try:
            wanted = int(one.Rows) * int(one.Columns) * (int(one.BitsAllocated) // 8)
            short += wanted == 0 or not wanted <= len(one.PixelData) <= wanted + 1
        except (AttributeError, TypeError, ValueError):
            short += 1
    if short:
        yield (
            "damaged",
            f"{short} of {n} images hold other than the bytes that their headers speak of",
        )


def same_everywhere(images: Sequence[Dataset]) -> Iterator[Fault]:
    """Whether one name stands for one object: a UID twice with other pixels is two objects."""
    seen: dict[str, bytes] = {}
    clashes = 0
    for one in images:
        clashes += seen.setdefault(str(one.SOPInstanceUID), one.PixelData) != one.PixelData
    if clashes:
        yield "one name, two images", f"{clashes} images have the UID of another, and other pixels"


def _text(one: Dataset, name: str) -> str:
    """As words, in capital letters, without what pads them; "" if it is not there."""
    value = one.get(name, None)
    return "" if value is None else str(value).strip(" \0^[]'").upper()


def _is_lossy(one: Dataset) -> bool:
    named = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
    return _text(one, "LossyImageCompression") not in ("", "00") or any(map(one.get, named))


def _scale(one: Dataset) -> tuple[float, float]:
    """Slope and intercept; a slope that is no number is none."""
    try:
        slope, intercept = one.get("RescaleSlope", None), one.get("RescaleIntercept", None)
        return float(1 if slope is None else slope), float(0 if intercept is None else intercept)
    except (TypeError, ValueError):
        return float(np.nan), 0.0
