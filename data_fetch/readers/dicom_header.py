"""What a DICOM header says of one plane: where it lies, how its values are scaled, in what unit.

An enhanced object keeps all this in its functional groups, those of all frames in one sequence,
those of each in another; a plain one keeps it at the root.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError

_MODALITY_UNITS = {"MR": "arbitrary units", "PT": "arbitrary units"}


@dataclass(frozen=True, eq=False)
class Plane:
    """One grey image of a file: the whole of it, or a frame.

    Attributes:
        path: the file.
        dataset: as pydicom read it.
        frame: its number, from 0; None in a file of one image.
        spacing_mm: between rows, between columns; None where it is not stated.
        position_mm: of the centre of the first pixel, in the patient's system (LPS), or None.
        along_row, along_column: unit vectors (LPS) along which the column index and the row index
            run, or None.
        thickness_mm: of the slice, or None.
        rescale: slope and intercept; None where the header has none.
        unit: of the values after rescaling.
    """

    path: Path
    dataset: Any
    frame: int | None
    spacing_mm: tuple[float, float] | None
    position_mm: np.ndarray | None
    along_row: np.ndarray | None
    along_column: np.ndarray | None
    thickness_mm: float | None
    rescale: tuple[float, float] | None
    unit: str

    @property
    def name(self) -> str:
        """The file, and the frame where there are several."""
        return f"{self.path}" if self.frame is None else f"{self.path}, frame {self.frame + 1}"

    @property
    def affine(self) -> np.ndarray | None:
        """Index (row, column, 0) to RAS+ mm; PS3.3 C.7.6.2.1.1, x and y negated (LPS -> RAS)."""
        if self.spacing_mm is None or self.position_mm is None or self.along_row is None:
            return None
        affine = np.eye(4)
        affine[:3, 0] = self.along_column * self.spacing_mm[0]  # the row index runs down a column
        affine[:3, 1] = self.along_row * self.spacing_mm[1]
        affine[:3, 2] = np.cross(self.along_row, self.along_column)
        affine[:3, 3] = self.position_mm
        affine[:2] *= -1
        return affine


def planes(dataset: Any, path: Path) -> Iterator[Plane]:
    """The grey images of a file, in the file's order, each with what the header says of it.

    Raises:
        DataError: colour; several frames without a position each; an element that is not what the
            standard says; CT that does not say how to reach Hounsfield units.
    """
    _check_grey(dataset, path)
    count = numbers(dataset, "NumberOfFrames", 1, path)
    count = 1 if count is None else count[0]
    if count != int(count) or count < 1:
        raise DataError(f"{path}: NumberOfFrames is {count:g}; a file has one image at least")
    enhanced = "PerFrameFunctionalGroupsSequence" in dataset
    if count > 1 and not enhanced:
        raise DataError(
            f"{path} has several frames ({count:g}) that state no position each (a film, or doses);"
            " slices of one file are read from enhanced CT and MR only"
        )
    for frame in range(int(count)):
        yield _plane(dataset, path, frame if count > 1 else None)


def _check_grey(dataset: Any, path: Path) -> None:
    colours = str(dataset.get("PhotometricInterpretation") or "not stated")
    if colours == "PALETTE COLOR":
        raise DataError(
            f"{path} is in colour ({colours}): its values are places in a table of colours, no "
            "intensities; save it as a picture (PNG) and read that"
        )
    if colours == "not stated":
        raise DataError(f"{path} states no PhotometricInterpretation: grey or colour is not known")
    if dataset.get("SamplesPerPixel", 1) != 1 or colours not in ("MONOCHROME1", "MONOCHROME2"):
        raise DataError(
            f"{path} is in colour (PhotometricInterpretation {colours}); only grey images are read"
        )
    stored, high = dataset.get("BitsStored"), dataset.get("HighBit")
    if None not in (stored, high) and high != stored - 1:
        raise DataError(
            f"{path}: HighBit is {high} with {stored} bits stored, where the standard has "
            f"{stored - 1}: which bits hold the value is not sure"
        )


def _plane(dataset: Any, path: Path, frame: int | None) -> Plane:
    measures = _group(dataset, frame, "PixelMeasuresSequence")
    where = _group(dataset, frame, "PlanePositionSequence")
    turned = _group(dataset, frame, "PlaneOrientationSequence")
    scaled = _group(dataset, frame, "PixelValueTransformationSequence")
    spacing = numbers(measures, "PixelSpacing", 2, path)
    if spacing is not None and min(spacing) <= 0:
        raise DataError(f"{path}: PixelSpacing is {list(spacing)}; both must be positive (mm)")
    thickness = numbers(measures, "SliceThickness", 1, path)
    along_row, along_column = _orientation(turned, path)
    position = numbers(where, "ImagePositionPatient", 3, path)
    rescale = _rescale(dataset, scaled, path)
    return Plane(
        path=path,
        dataset=dataset,
        frame=frame,
        spacing_mm=None if spacing is None else (spacing[0], spacing[1]),
        position_mm=None if position is None else np.array(position),
        along_row=along_row,
        along_column=along_column,
        thickness_mm=None if thickness is None else thickness[0],
        rescale=rescale,
        unit=_unit(dataset, scaled, path, rescaled=rescale is not None),
    )


def _group(dataset: Any, frame: int | None, sequence: str) -> Any:
    """The item that states something of a frame: its own, that of all frames, or the root."""
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    number = frame or 0
    for groups in (own[number : number + 1], dataset.get("SharedFunctionalGroupsSequence") or []):
        for group in groups:
            if group.get(sequence):
                return group[sequence].value[0]
    return dataset


def numbers(item: Any, keyword: str, count: int, path: Path) -> tuple[float, ...] | None:
    """The `count` finite numbers of an element; None where it is absent or empty.

    Raises:
        DataError: it holds something else.
    """
    if keyword not in item:
        return None
    raw = item.get_item(keyword).value
    raw = raw.decode("ascii", "replace").strip(" \0") if isinstance(raw, bytes) else raw
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = item[keyword].value
        several = [] if value is None or value == "" else value
        several = [several] if isinstance(several, int | float | str) else list(several)
        found = tuple(float(one) for one in several)
    except (ValueError, TypeError, OverflowError):
        found = (math.nan,)
    if not found:
        return None
    if len(found) != count or not all(map(math.isfinite, found)):
        what = "one finite number" if count == 1 else f"{count} finite numbers"
        raise DataError(f"{path}: {keyword} is {raw!s}; it must hold {what}, with decimal points")
    return found


def _orientation(item: Any, path: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    six = numbers(item, "ImageOrientationPatient", 6, path)
    if six is None:
        return None, None
    along_row, along_column = np.array(six).reshape(2, 3)
    lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
    # a thousandth is what rounding to three decimals costs
    if max(abs(length - 1) for length in lengths) > 1e-3 or abs(along_row @ along_column) > 2e-3:
        raise DataError(
            f"{path}: ImageOrientationPatient is {list(six)}; it must hold two directions of "
            "length 1 at a right angle"
        )
    return along_row, along_column


def _rescale(dataset: Any, item: Any, path: Path) -> tuple[float, float] | None:
    slope = numbers(item, "RescaleSlope", 1, path)
    intercept = numbers(item, "RescaleIntercept", 1, path)
    table = bool(dataset.get("ModalityLUTSequence"))
    if slope is None and intercept is None:
        if dataset.get("Modality") == "CT" and not table:
            raise DataError(
                f"{path} is CT without RescaleSlope and RescaleIntercept: its values are not in "
                "Hounsfield units, and nothing says how to reach them; give it as the scanner "
                "exported it"
            )
        return None
    if slope is None or intercept is None or slope[0] == 0 or table:
        raise DataError(
            f"{path} does not say how its values are scaled: RescaleSlope {slope and slope[0]}, "
            f"RescaleIntercept {intercept and intercept[0]}, "
            f"{'a' if table else 'no'} Modality LUT; a slope that is not zero with an intercept, "
            "or a table, is needed"
        )
    return slope[0], intercept[0]


def _unit(dataset: Any, item: Any, path: Path, *, rescaled: bool) -> str:
    modality = str(dataset.get("Modality") or "")
    if table := dataset.get("ModalityLUTSequence"):
        stated = str(table[0].get("ModalityLUTType") or "")
        return stated if stated not in ("", "US") else "value of its Modality LUT"
    stated = str(item.get("RescaleType") or dataset.get("Units") or "")
    if stated not in ("", "US"):
        return stated
    if modality != "CT":
        return _MODALITY_UNITS.get(modality, "stored value")
    # PS3.3 C.8.2.1: the type is left out where it is HU; "US" means unspecified
    kind = [str(word).strip() for word in dataset.get("ImageType") or []]
    if stated == "US" or "LOCALIZER" in kind or not rescaled:
        return "unspecified"
    return "HU"
