"""Is this a study that the pipeline can read? Each fault is mended or refused, with its reason.

Mended is what has one right answer: a lossless code, a negative, a second copy. Refused is what
would have to be guessed: a size, a missing slice, whose slice it is.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydicom import Dataset
from pydicom.uid import UID

__all__ = ["Intake", "Reason", "Rules", "take_in"]


@dataclass(frozen=True)
class Rules:
    """What the networks were made for.

    Attributes:
        modality: of DICOM.
        least_slices: fewer are refused, whatever the header says of their number.
        tolerance_mm: by which places of slices may be off.
    """

    modality: str = "MR"
    least_slices: int = 8
    tolerance_mm: float = 0.1


@dataclass(frozen=True)
class Reason:
    """What was found; it never names a patient, for it goes into the ledger.

    Attributes:
        fault: in a word or two.
        done: what became of it.
        text: in a sentence.
    """

    fault: str
    done: Literal["refused", "mended"]
    text: str


@dataclass(frozen=True, eq=False)
class Intake:
    """The verdict.

    Attributes:
        images: copies, mended and sorted from the first position along the normal to the last;
            empty if the study is refused.
        reasons: all that was found, not only the first.
    """

    images: tuple[Dataset, ...]
    reasons: tuple[Reason, ...]

    @property
    def refused(self) -> tuple[Reason, ...]:
        """Reasons for a refusal; empty if it is accepted."""
        return tuple(reason for reason in self.reasons if reason.done == "refused")

    @property
    def volume(self) -> Float[np.ndarray, "slices rows columns"]:
        """Stored values."""
        return np.stack([one.pixel_array for one in self.images]).astype(np.float32)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Between slices, rows and columns."""
        normal = _normal(self.images[0])
        places = [normal @ np.array(one.ImagePositionPatient, float) for one in self.images]
        down, across = map(float, self.images[0].PixelSpacing)
        return float(places[-1] - places[0]) / (len(places) - 1), down, across


def take_in(images: Sequence[Dataset], *, rules: Rules) -> Intake:
    """Judge the images of one study, and mend what can be mended.

    Args:
        images: as they came, in any order; not changed.
        rules: what is wanted.

    Returns:
        The verdict.

    Raises:
        ValueError: no images at all.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> from pydicom import dcmread
        >>> found = take_in([dcmread(get_testdata_file("CT_small.dcm"))], rules=Rules())
        >>> [reason.fault for reason in found.refused]
        ['wrong modality', 'too few slices']
    """
    if not images:
        raise ValueError("there are no images to take in")
    reasons: list[Reason] = []

    def refuse(fault: str, text: str) -> None:
        reasons.append(Reason(fault, "refused", text))

    def mend(fault: str, text: str) -> None:
        reasons.append(Reason(fault, "mended", text))

    kept = [copy.deepcopy(one) for one in images]
    n = len(kept)
    if wrong := sorted({str(one.get("Modality", "")) for one in kept} - {rules.modality}):
        names = ", ".join(word or "not stated" for word in wrong)
        refuse("wrong modality", f"modality {names}; the networks read {rules.modality}")
    whose = {str(one.get("PatientID", "") or "").strip() for one in kept}
    if len(whose) > 1:
        refuse("another patient", f"{n} images of {len(whose)} patients: which are right?")
    for name, what in (("SeriesInstanceUID", "series"), ("FrameOfReferenceUID", "frames of space")):
        if len(found := {str(one.get(name, "")) for one in kept}) > 1:
            refuse("mixed series", f"{n} images of {len(found)} {what}")
    if lossy := sum(str(one.get("LossyImageCompression", "")) == "01" for one in kept):
        refuse("lossy", f"{lossy} of {n} images were compressed with loss: details are invented")
    shown = {str(one.get("PhotometricInterpretation", "")) for one in kept}
    if not all("PixelData" in one for one in kept) or shown - {"MONOCHROME1", "MONOCHROME2"}:
        refuse("no grey image", f"{n} objects are not all images of one grey channel")
        return Intake((), tuple(reasons))
    packed = [one for one in kept if UID(one.file_meta.TransferSyntaxUID).is_compressed]
    try:
        for one in packed:
            one.decompress(generate_instance_uid=False)  # else it becomes another object
    except Exception as error:  # decoders raise what they like
        refuse("compressed", f"{len(packed)} images cannot be decoded: {type(error).__name__}")
        return Intake((), tuple(reasons))
    if packed and not lossy:
        mend("compressed", f"{len(packed)} images were decoded without loss")
    if negative := [one for one in kept if one.PhotometricInterpretation == "MONOCHROME1"]:
        for one in negative:
            _turn(one)
        mend("negative", f"{len(negative)} images were negatives and were inverted")
    kept = _without_copies(kept, refuse=refuse, mend=mend)
    if _spaced(kept, refuse=refuse):
        kept = _in_order(kept, rules=rules, refuse=refuse)
    _check_number(kept, rules=rules, refuse=refuse)
    refused = any(reason.done == "refused" for reason in reasons)
    return Intake(() if refused else tuple(kept), tuple(reasons))


def _turn(one: Dataset) -> None:
    """Low values were bright: subtract from the sum of the ends of what can be stored."""
    ends = -1 if one.PixelRepresentation else 2 ** int(one.BitsStored) - 1
    turned = ends - one.pixel_array.astype(np.int64)
    one.PixelData = turned.astype(one.pixel_array.dtype).tobytes()
    one["PixelData"].VR = "OW" if one.BitsAllocated > 8 else "OB"
    one.PhotometricInterpretation = "MONOCHROME2"
    if "WindowCenter" in one:  # it was for the negative
        del one.WindowCenter, one.WindowWidth


def _place(one: Dataset) -> tuple[str, ...]:
    return tuple(f"{float(x):.3f}" for x in one.get("ImagePositionPatient", None) or ())


def _without_copies(kept: list[Dataset], *, refuse, mend) -> list[Dataset]:
    """Each place once: a second copy with the same pixels goes, with other pixels is refused."""
    first: dict[tuple[str, ...], str] = {}
    single, copies, clashes = [], 0, 0
    for one in sorted(kept, key=lambda one: str(one.SOPInstanceUID)):
        place = _place(one) or (str(one.SOPInstanceUID),)
        pixels = hashlib.sha256(one.PixelData).hexdigest()
        if place not in first:
            first[place] = pixels
            single.append(one)
        elif first[place] == pixels:
            copies += 1
        else:
            clashes += 1
    if copies:
        mend("duplicate", f"{copies} images were there twice, with equal pixels; one was kept")
    if clashes:
        refuse("two at one place", f"{clashes} images lie where others lie, with other pixels")
    return single


def _spaced(kept: list[Dataset], *, refuse) -> bool:
    def of(one: Dataset) -> tuple[float, ...]:
        try:
            return tuple(float(x) for x in one.get("PixelSpacing", None) or ())
        except (TypeError, ValueError):
            return ()

    bad = [one for one in kept if len(of(one)) != 2 or not all(0 < x < np.inf for x in of(one))]
    if bad:
        refuse(
            "missing spacing",
            f"{len(bad)} of {len(kept)} images do not say how large a pixel is: no volume in ml",
        )
    elif len({(*of(one), int(one.Rows), int(one.Columns)) for one in kept}) > 1:
        refuse("mixed series", "images differ in their size or in the size of their pixels")
        return False
    return True


def _normal(one: Dataset) -> np.ndarray:
    along = np.array(one.ImageOrientationPatient, float)
    return np.cross(along[:3], along[3:])


def _in_order(kept: list[Dataset], *, rules: Rules, refuse) -> list[Dataset]:
    """Sorted along the normal, if all are parallel, straight and evenly spaced."""
    for name, count in (("ImagePositionPatient", 3), ("ImageOrientationPatient", 6)):
        if any(len(one.get(name, None) or ()) != count for one in kept):
            refuse("no place", f"images without {name} cannot be sorted")
            return kept
    axes = np.array([one.ImageOrientationPatient for one in kept], float)
    if np.abs(axes - axes[0]).max() > 1e-3:
        refuse("mixed series", "images are not parallel")
        return kept
    normal = _normal(kept[0])
    kept = sorted(kept, key=lambda one: normal @ np.array(one.ImagePositionPatient, float))
    places = np.array([one.ImagePositionPatient for one in kept], float)
    steps = np.diff(places @ normal)
    if len(steps) and np.ptp(steps) > rules.tolerance_mm:
        refuse(
            "missing slices",
            f"steps between slices run from {steps.min():.1f} to {steps.max():.1f} mm",
        )
    aside = places - np.outer(places @ normal, normal)
    if np.abs(aside - aside[0]).max() > rules.tolerance_mm * max(len(kept), 1):
        refuse("sheared", "slices are shifted in their planes: a tilted gantry")
    return kept


def _check_number(kept: list[Dataset], *, rules: Rules, refuse) -> None:
    stated = {int(one.ImagesInAcquisition) for one in kept if one.get("ImagesInAcquisition")}
    if stated and stated != {len(kept)}:
        refuse("missing slices", f"{len(kept)} images came; the header speaks of {max(stated)}")
    if len(kept) < rules.least_slices:
        refuse("too few slices", f"{len(kept)} slices; {rules.least_slices} or more are needed")
