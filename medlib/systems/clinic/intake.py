"""Is this a study that the pipeline can read? Each fault is mended or refused, with its reason.

Mended is what has one right answer: a lossless code, a negative, a second copy. Refused is what
would have to be guessed: a size, a missing slice, whose slice it is; and what cannot be decoded.
Whether a code was lossless is asked twice: of the header, and of the transfer syntax that an image
came in. One that lost details, was decoded since, and no longer says so is accepted.
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

from medlib.systems.clinic.header_checks import (
    header_faults,
    pixel_faults,
    same_everywhere,
    syntax_faults,
)
from medlib.systems.clinic.slice_geometry import has_spacing, in_order, normal_of, place_of

__all__ = ["Intake", "Reason", "Rules", "take_in"]


@dataclass(frozen=True)
class Rules:
    """What the networks were made for.

    Attributes:
        modality: of DICOM.
        least_slices: fewer are refused, whatever the header says of their number.
        tolerance_mm: by which places of slices may be off.
        spacing_mm: between slices, rows and columns; features are in voxels, so that another size
            is another task.
        tolerance: of the spacing, as a share.
    """

    modality: str = "MR"
    least_slices: int = 8
    tolerance_mm: float = 0.1
    spacing_mm: tuple[float, float, float] = (5.0, 2.0, 2.0)
    tolerance: float = 0.1


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
        normal = normal_of(self.images[0])
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
        ['wrong modality', 'another size', 'too few slices']
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
    for fault in header_faults(kept, modality=rules.modality):
        refuse(*fault)
    shown = {str(one.get("PhotometricInterpretation", "")) for one in kept}
    if not all("PixelData" in one for one in kept) or shown - {"MONOCHROME1", "MONOCHROME2"}:
        refuse("no grey image", f"{n} objects are not all images of one grey channel")
        return Intake((), tuple(reasons))
    before = len(reasons)
    for fault in syntax_faults(kept):
        refuse(*fault)
    if len(reasons) > before:  # not decoded: what would come out is not what was acquired
        return Intake((), tuple(reasons))
    packed = []
    try:
        packed = [one for one in kept if UID(one.file_meta.TransferSyntaxUID).is_compressed]
        for one in packed:
            one.decompress(generate_instance_uid=False)  # else it becomes another object
        for fault in (*pixel_faults(kept), *same_everywhere(kept)):
            refuse(*fault)
        if len(reasons) == before:
            for one in kept:
                np.asarray(one.pixel_array)  # which is read here for the first time
    except Exception as error:  # decoders raise what they like
        refuse("damaged", f"images cannot be decoded: {type(error).__name__}")
    if len(reasons) > before:
        return Intake((), tuple(reasons))
    if packed and not any(reason.fault == "lossy" for reason in reasons):
        mend("compressed", f"{len(packed)} images were decoded without loss")
    if shown == {"MONOCHROME1"}:
        for one in kept:
            _turn(one)
        mend("negative", f"{n} images were negatives and were inverted")
    kept = _without_copies(kept, refuse=refuse, mend=mend)
    has_spacing(kept, refuse=refuse)
    kept = in_order(
        kept, tolerance_mm=rules.tolerance_mm, spacing_mm=rules.spacing_mm,
        tolerance=rules.tolerance, refuse=refuse,
    )  # fmt: skip
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
    if "PresentationLUTShape" in one:
        one.PresentationLUTShape = "IDENTITY"
    if "WindowCenter" in one:  # it was for the negative
        del one.WindowCenter, one.WindowWidth


def _without_copies(kept: list[Dataset], *, refuse, mend) -> list[Dataset]:
    """Each place once: a second copy with the same pixels goes, with other pixels is refused."""
    first: dict[tuple[str, ...], str] = {}
    single, copies, clashes = [], 0, 0
    for one in sorted(kept, key=lambda one: str(one.SOPInstanceUID)):
        place = place_of(one) or (str(one.SOPInstanceUID),)
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


def _check_number(kept: list[Dataset], *, rules: Rules, refuse) -> None:
    stated = {int(one.ImagesInAcquisition) for one in kept if one.get("ImagesInAcquisition")}
    if stated and stated != {len(kept)}:
        refuse("missing slices", f"{len(kept)} images came; the header speaks of {max(stated)}")
    if len(kept) < rules.least_slices:
        refuse("too few slices", f"{len(kept)} slices; {rules.least_slices} or more are needed")
