"""The slices of a DICOM series as one volume: sorted by place, straight and evenly spaced."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError, NoImageError
from data_fetch.folder import existing_folder, members, sha256_of_members, visible_files
from data_fetch.readers.dicom import axes_in_words, with_inversion
from data_fetch.readers.dicom_file import read_header
from data_fetch.readers.dicom_header import Plane, planes
from data_fetch.readers.dicom_pixels import values
from data_fetch.readers.file import existing_file
from data_fetch.sample import Sample

#: Places in headers are rounded, some to .01 mm or .05 mm: less than this is no difference.
TOLERANCE_MM = 0.1


def read_dicom_series(
    source: Path | str | Iterable[Path | str],
    *,
    name: str | None = None,
    unit: str | None = None,
    **provenance: Any,
) -> Sample:
    """The slices of one DICOM series, sorted by position along the slice normal.

    Headers are compared as numbers, in mm (`TOLERANCE_MM`), never as text. In a folder, files that
    are no images (a licence, a report, DICOMDIR) are left aside, and a warning and the Sample's
    note name them; a damaged image is an error.

    Args:
        source: a folder (every file in it but hidden ones), or the files themselves, in any order;
            a file may be an enhanced one, whose frames are slices.
        name: for the Sample; the folder's name by default.
        unit: refuse a series whose values are not in this unit, e.g. "HU".
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (slice, row, column); spacing_mm = (between slices, rows, columns), the
        thickness of the slice where there is one only; sha256 of the files' digests.

    Raises:
        DataError: no image; images of several series, orientations, sizes, spacings or units; no
            spacing, position or orientation; two slices at one place; a gap that varies (a slice is
            missing); slices shifted in their planes (a tilted gantry); one slice without thickness;
            what `read_dicom` raises.
    """
    folder, paths, members_glob = _files(source)
    files = members(folder, paths)  # before they are read, so that a later change shows
    stack, skipped = _planes(paths, in_folder=bool(members_glob))
    if not stack:
        what = f": {', '.join(skipped)}" if skipped else ""
        raise DataError(f"no DICOM files in {source}" + (what or _where_else(folder)))
    _check_alike(stack)
    stack, step_mm = _sorted_straight(stack)
    first = stack[0]
    if unit is not None and first.unit != unit:
        modality = first.dataset.get("Modality") or "not stated"
        raise DataError(
            f"the values of {folder} are in the unit {first.unit!r} (modality {modality}); a "
            f"series in {unit} is needed"
        )
    affine = np.eye(4)
    affine[:3, 0] = step_mm * (-1, -1, 1)  # LPS -> RAS
    affine[:3, 1:3] = first.affine[:3, :2]
    affine[:3, 3] = first.affine[:3, 3]
    if skipped:
        told = f"left aside, for they hold no image: {', '.join(skipped)}"
        warnings.warn(f"{folder}: {told}", stacklevel=2)
        provenance["note"] = "; ".join(filter(None, (provenance.get("note"), told)))
    return Sample(
        np.stack([values(plane) for plane in stack]),
        name=name or folder.resolve().name,
        kind="real",
        unit=first.unit,
        sha256=sha256_of_members(files),
        spacing_mm=(float(np.linalg.norm(step_mm)), *first.spacing_mm),
        path=folder,
        members=files,
        members_glob=members_glob,
        affine=affine,
        orientation=axes_in_words(affine, ("slices", "rows", "columns")),
        **with_inversion(provenance, first),
    )


def _files(source: Path | str | Iterable[Path | str]) -> tuple[Path, list[Path], str]:
    """The folder, its files, and the pattern that they are all of."""
    if isinstance(source, str | Path):
        folder = existing_folder(source, wanted="the one that holds the DICOM slices")
        return folder, visible_files(folder, "*"), "*"
    paths = [existing_file(path).absolute() for path in source]
    if not paths:
        raise DataError("no DICOM files in an empty list")
    return Path(os.path.commonpath([path.parent for path in paths])), paths, ""


def _where_else(folder: Path) -> str:
    inside = sorted(at.name for at in folder.iterdir() if at.is_dir() and at.name[0] != ".")
    return f" itself; give one of its folders: {', '.join(inside[:6])}" if inside else ""


def _planes(paths: Sequence[Path], *, in_folder: bool) -> tuple[list[Plane], list[str]]:
    """The planes of all files, and the names of the files of a folder that hold no image."""
    stack, skipped = [], []
    for path in paths:
        try:
            dataset = read_header(path)
        except NoImageError:
            if not in_folder:
                raise
            skipped.append(path.name)
        else:
            stack += planes(dataset, path)
    return stack, skipped


def _check_alike(stack: list[Plane]) -> None:
    for keyword in ("SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "Rows", "Columns"):
        _check_same(stack, keyword, lambda plane, keyword=keyword: plane.dataset.get(keyword))
    _check_same(stack, "unit", lambda plane: plane.unit)
    _check_same(stack, "how values are scaled", _rescaling)
    for what, missing in (
        ("ImagePositionPatient", [p for p in stack if p.position_mm is None]),
        ("ImageOrientationPatient", [p for p in stack if p.along_row is None]),
    ):
        if missing:
            raise DataError(
                f"slices without ImagePositionPatient and ImageOrientationPatient cannot be sorted:"
                f" {missing[0].name} has no {what}"
            )
    if missing := [plane for plane in stack if plane.spacing_mm is None]:
        raise DataError(
            f"{missing[0].name} has no PixelSpacing: the size of its pixels in mm is not known"
        )
    first = stack[0]
    rows, columns = int(first.dataset.Rows), int(first.dataset.Columns)
    height, width = rows * first.spacing_mm[0], columns * first.spacing_mm[1]
    for plane in stack[1:]:
        apart = np.abs(np.subtract(plane.spacing_mm, first.spacing_mm)) * (rows, columns)
        if apart.max() > TOLERANCE_MM:
            raise DataError(
                f"the {len(stack)} files differ in PixelSpacing: {first.spacing_mm} mm in "
                f"{first.name}, {plane.spacing_mm} mm in {plane.name}; give one series only"
            )
        apart = (
            np.linalg.norm(plane.along_row - first.along_row) * width,
            np.linalg.norm(plane.along_column - first.along_column) * height,
        )
        if max(apart) > TOLERANCE_MM:
            raise DataError(
                f"the {len(stack)} files differ in ImageOrientationPatient: {first.name} and "
                f"{plane.name} are turned against each other, by {max(apart):.2f} mm at an edge; "
                "give parallel slices only"
            )


def _rescaling(plane: Plane) -> str:
    return "no RescaleSlope" if plane.rescale is None else "a RescaleSlope"


def _check_same(stack: list[Plane], what: str, of: Callable[[Plane], Any]) -> None:
    kinds = Counter(str(of(plane)) for plane in stack)
    if len(kinds) > 1:
        (usual, _), *_, (rare, count) = kinds.most_common()
        odd = next(plane.path.name for plane in stack if str(of(plane)) == rare)
        raise DataError(
            f"the {len(stack)} files differ in {what}: {usual} in most, {rare} in {count} "
            f"({odd}); give the files of one series only"
        )


def _sorted_straight(stack: list[Plane]) -> tuple[list[Plane], np.ndarray]:
    """The slices in order, and the vector (mm, LPS) from each to the next."""
    normal = np.cross(stack[0].along_row, stack[0].along_column)
    stack = sorted(stack, key=lambda plane: float(normal @ plane.position_mm))
    positions = np.stack([plane.position_mm for plane in stack])
    if len(stack) == 1:
        thickness = stack[0].thickness_mm
        if thickness is None or thickness <= 0:
            raise DataError(
                f"{stack[0].name} is a single slice with SliceThickness "
                f"{'not stated' if thickness is None else thickness}: how far it reaches is not "
                "known; give two slices or more, or one that states its thickness in mm"
            )
        return stack, normal * thickness
    places = positions @ normal
    gaps_mm = np.diff(places)
    if gaps_mm.min() < max(1e-3, 0.1 * np.median(gaps_mm)):
        raise DataError(
            "two slices lie at the same position; the series holds duplicates or time points"
        )
    number = np.arange(len(stack))
    step_mm = (positions[-1] - positions[0]) / number[-1]
    gap_mm = float(np.mean(gaps_mm))
    uneven_mm = np.abs(places - places[0] - number * gap_mm).max()
    if uneven_mm > min(TOLERANCE_MM, 0.1 * gap_mm):
        raise DataError(
            f"the gap between slices runs from {gaps_mm.min():.3f} to {gaps_mm.max():.3f} mm; "
            "a slice is missing, or the series is not evenly spaced"
        )
    length_mm = places[-1] - places[0]
    aside = positions - positions[0] - np.outer(places - places[0], normal)
    aside_mm = np.linalg.norm(aside, axis=1).max()
    # a direction rounded to three decimals is off by a thousandth of the way
    if aside_mm > TOLERANCE_MM + 1e-3 * length_mm:
        raise DataError(
            f"the slices are shifted in their own planes, by up to {aside_mm:.1f} mm over "
            f"{length_mm:.1f} mm: a tilted gantry or a sheared stack, which a straight volume "
            "would distort; give a series without tilt, or one that was resampled to be straight"
        )
    return stack, step_mm
