"""Files to Samples: DICOM, NIfTI, PNG and JPEG, NPZ. Each keeps the spacing and the unit.

Axes: DICOM images are (row, column), a series is (slice, row, column); NIfTI volumes come
out in RAS+ order (x to the right, y to anterior, z to superior); photographs are
(row, column, colour).
"""

import hashlib
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError
from data_fetch.folder import members, visible_files
from data_fetch.sample import Sample, sha256_of_file

# Pillow carries OpenJPEG and libjpeg-turbo, and is a dependency already. Named here, the
# decoder does not change with what else happens to be installed.
_DECODERS = {
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG baseline
    "1.2.840.10008.1.2.4.90": "pillow",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": "pillow",  # JPEG 2000
    "1.2.840.10008.1.2.5": "pydicom",  # RLE lossless
}
_MODALITY_UNITS = {"CT": "HU", "MR": "arbitrary units", "PT": "arbitrary units"}


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file: {path}")
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file")
    return path


def read_dicom(path: Path | str, *, name: str | None = None, **provenance: Any) -> Sample:
    """One single-frame DICOM image in the unit its header states.

    value = slope * stored + intercept (PS3.3 C.11.1); HU for CT.

    Args:
        path: the file.
        name: for the Sample; the file's name by default.
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (row, column) with spacing_mm = (between rows, between columns), and the
        affine from (row, column, 0) to RAS+ where the header has position and orientation.

    Raises:
        DataError: missing, truncated or not DICOM; no pixels; colour or several frames;
            compressed in a way that no installed decoder reads.

    >>> import pydicom.data
    >>> read_dicom(pydicom.data.get_testdata_file("CT_small.dcm", download=False))
    Sample('CT_small.dcm', real, float32 128x128, 0.661468x0.661468 mm, HU)
    """
    path = _existing(path)
    dataset = _dicom_dataset(path)
    array = _dicom_values(dataset, path)
    affine = _dicom_affine(dataset)
    return Sample(
        array,
        name=name or path.name,
        kind="real",
        unit=_dicom_unit(dataset),
        sha256=sha256_of_file(path),
        spacing_mm=_dicom_spacing(dataset),
        path=path,
        affine=affine,
        orientation="" if affine is None else _axes_words(affine, ("rows", "columns")),
        **provenance,
    )


def read_dicom_series(
    source: Path | str | Iterable[Path | str], *, name: str | None = None, **provenance: Any
) -> Sample:
    """The slices of one DICOM series, sorted by position along the slice normal.

    Args:
        source: a folder (every file in it), or the files themselves, in any order.
        name: for the Sample; the folder's name by default.
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (slice, row, column); spacing_mm = (between slices, rows,
        columns); sha256 of the sorted files' digests.

    Raises:
        DataError: no files; slices of several series, orientations, sizes or spacings; two
            slices at one place; a gap between slices that varies by more than 1 % (a slice is
            missing).
    """
    if isinstance(source, str | Path):
        folder = Path(source)
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder of DICOM files")
        paths = visible_files(folder, "*")
        name = name or folder.name
        members_glob = "*"
    else:
        paths = [Path(p) for p in source]
        folder = Path(os.path.commonpath([p.absolute().parent for p in paths] or ["."]))
        members_glob = ""
    if not paths:
        raise DataError(f"no DICOM files in {source}")
    slices = [(p, _dicom_dataset(_existing(p))) for p in paths]
    first = slices[0][1]
    for attribute in (
        "SeriesInstanceUID",
        "ImageOrientationPatient",
        "Rows",
        "Columns",
        "PixelSpacing",
    ):
        values = {str(d.get(attribute)) for _, d in slices}
        if len(values) > 1:
            raise DataError(
                f"the {len(slices)} files differ in {attribute} ({', '.join(sorted(values)[:3])}); "
                "give the files of one series only"
            )
    if "ImageOrientationPatient" not in first or any(
        "ImagePositionPatient" not in d for _, d in slices
    ):
        raise DataError(
            "slices without ImagePositionPatient and ImageOrientationPatient cannot be sorted"
        )
    along_row, along_column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(along_row, along_column)
    place = {p: float(normal @ np.array(d.ImagePositionPatient, float)) for p, d in slices}
    slices.sort(key=lambda pair: place[pair[0]])
    gaps_mm = np.diff([place[p] for p, _ in slices])
    if gaps_mm.size and gaps_mm.min() < 1e-3:
        raise DataError(
            "two slices lie at the same position; the series holds duplicates or time points"
        )
    if gaps_mm.size and np.ptp(gaps_mm) > 0.01 * np.median(gaps_mm):
        raise DataError(
            f"the gap between slices runs from {gaps_mm.min():.3f} to {gaps_mm.max():.3f} mm; "
            "a slice is missing, or the series is not evenly spaced"
        )
    gap_mm = float(np.mean(gaps_mm)) if gaps_mm.size else float(first.get("SliceThickness") or 1.0)
    in_plane = _dicom_spacing(first)
    plane = _dicom_affine(slices[0][1])
    affine = None
    if plane is not None:
        affine = np.eye(4)
        affine[:3, 0] = normal * gap_mm * (-1, -1, 1)  # LPS -> RAS
        affine[:3, 1:3] = plane[:3, :2]
        affine[:3, 3] = plane[:3, 3]
    return Sample(
        np.stack([_dicom_values(d, p) for p, d in slices]),
        name=name or str(first.get("SeriesDescription") or "series"),
        kind="real",
        unit=_dicom_unit(first),
        sha256=hashlib.sha256("".join(sha256_of_file(p) for p, _ in slices).encode()).hexdigest(),
        spacing_mm=None if in_plane is None else (gap_mm, *in_plane),
        path=folder,
        members=members(folder, (p.absolute() if not members_glob else p for p in paths)),
        members_glob=members_glob,
        affine=affine,
        orientation="" if affine is None else _axes_words(affine, ("slices", "rows", "columns")),
        **provenance,
    )


def _dicom_dataset(path: Path) -> Any:
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd headers are common; what matters is checked below
            dataset = pydicom.dcmread(path)
            present = "PixelData" in dataset
            rows = dataset.get("Rows")
    except Exception as error:  # a corrupt file raises anything from EOFError to KeyError
        raise DataError(f"{path} is not a readable DICOM file: {error}") from error
    if not present or rows is None:
        raise DataError(f"{path} holds no image (no pixel data in the header)")
    return dataset


def _dicom_values(dataset: Any, path: Path) -> np.ndarray:
    from pydicom.pixels import pixel_array

    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if dataset.get("SamplesPerPixel", 1) != 1 or int(dataset.get("NumberOfFrames") or 1) != 1:
        raise DataError(
            f"{path} is in colour or has several frames; read_dicom reads one grey image"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = pixel_array(dataset, decoding_plugin=_DECODERS.get(str(syntax), ""))
            slope = float(dataset.get("RescaleSlope") or 1)
            intercept = float(dataset.get("RescaleIntercept") or 0)
    except Exception as error:
        how = f" ({syntax.name})" if syntax is not None and syntax.is_compressed else ""
        raise DataError(
            f"the pixels of {path}{how} cannot be decoded: {error}. If the file is whole, write it "
            "uncompressed first (gdcmconv --raw, or dcmdjpeg)"
        ) from error
    return (slope * stored + intercept).astype(np.float32)


def _dicom_unit(dataset: Any) -> str:
    stated = str(dataset.get("RescaleType") or dataset.get("Units") or "")
    return (
        stated
        if stated not in ("", "US")
        else _MODALITY_UNITS.get(dataset.get("Modality"), "stored value")
    )


def _dicom_spacing(dataset: Any) -> tuple[float, float] | None:
    spacing = dataset.get("PixelSpacing")
    if not spacing:
        return None
    between_rows, between_columns = map(float, spacing)
    if min(between_rows, between_columns) <= 0:
        raise DataError(f"PixelSpacing is {spacing}; both numbers must be positive (mm)")
    return between_rows, between_columns


def _dicom_affine(dataset: Any) -> np.ndarray | None:
    """Index (row, column, 0) to RAS+ mm; PS3.3 C.7.6.2.1.1, with x and y negated (LPS -> RAS)."""
    spacing = _dicom_spacing(dataset)
    if spacing is None or any(
        not dataset.get(tag) for tag in ("ImagePositionPatient", "ImageOrientationPatient")
    ):
        return None
    along_row, along_column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = along_column * spacing[0]  # the row index runs down a column
    affine[:3, 1] = along_row * spacing[1]
    affine[:3, 2] = np.cross(along_row, along_column)
    affine[:3, 3] = np.array(dataset.ImagePositionPatient, float)
    affine[:2] *= -1
    return affine


def _axes_words(affine: np.ndarray, names: tuple[str, ...]) -> str:
    letters = []
    for axis in range(len(names)):
        way = affine[:3, axis]
        main = int(np.argmax(np.abs(way)))
        letters.append("LPI"[main] if way[main] < 0 else "RAS"[main])
    return ", ".join(f"{n} to {letter}" for n, letter in zip(names, letters, strict=True))


def read_nifti(
    path: Path | str,
    *,
    name: str | None = None,
    unit: str = "arbitrary units",
    kind: str = "real",
    **provenance: Any,
) -> Sample:
    """A NIfTI volume, its axes brought to RAS+ by flips and permutations (no interpolation).

    Args:
        path: a .nii or .nii.gz file.
        name: for the Sample; the file's name by default.
        unit: of the values; NIfTI does not say.
        kind: "real" or "simulated".
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (x, y, z): x to the Right, y to Anterior, z to Superior.

    Raises:
        DataError: missing, truncated, not NIfTI, or without a usable affine.
    """
    import nibabel as nib

    path = _existing(path)
    try:
        image = nib.as_closest_canonical(nib.load(path))
        array = np.asarray(image.get_fdata(dtype=np.float32))
    except Exception as error:
        raise DataError(f"{path} is not a readable NIfTI file: {error}") from error
    spacing = np.sqrt((np.asarray(image.affine)[:3, :3] ** 2).sum(axis=0))
    if not np.all(np.isfinite(spacing)) or np.any(spacing <= 0):
        raise DataError(f"the affine of {path} has a zero or non-finite column: no spacing")
    scale = {"meter": 1e3, "micron": 1e-3}.get(image.header.get_xyzt_units()[0], 1.0)
    return Sample(
        array,
        name=name or path.name,
        kind=kind,
        unit=unit,
        sha256=sha256_of_file(path),
        spacing_mm=tuple(float(s) * scale for s in spacing),
        path=path,
        affine=np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine),
        orientation="x to R, y to A, z to S",
        **provenance,
    )


def read_image(
    path: Path | str,
    *,
    name: str | None = None,
    spacing_mm: tuple[float, ...] | None = None,
    **provenance: Any,
) -> Sample:
    """A PNG, JPEG or TIFF picture as Pillow decodes it.

    Args:
        path: the file.
        name: for the Sample; the file's name by default.
        spacing_mm: between rows and columns; such files do not state it reliably.
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of uint8 (row, column) or (row, column, 3), or uint16 (row, column);
        alpha is dropped.

    Raises:
        DataError: missing, truncated, or not a picture.
    """
    from PIL import Image

    path = _existing(path)
    try:
        with Image.open(path) as picture:
            picture.load()
            if picture.mode in ("P", "RGBA", "CMYK", "YCbCr"):
                picture = picture.convert("RGB")
            elif picture.mode in ("1", "LA"):
                picture = picture.convert("L")
            array = np.array(picture)
    except Exception as error:
        raise DataError(f"{path} is not a readable picture: {error}") from error
    if array.dtype == np.int32:  # Pillow's name for 16-bit grey
        array = array.astype(np.uint16)
    top = {"uint8": "255", "uint16": "65535"}.get(array.dtype.name, "?")
    return Sample(
        array,
        name=name or path.name,
        kind="real",
        unit=f"intensity 0..{top}",
        sha256=sha256_of_file(path),
        spacing_mm=spacing_mm,
        path=path,
        **provenance,
    )


def read_npz(
    path: Path | str,
    *,
    key: str,
    name: str | None = None,
    unit: str = "stored value",
    spacing_mm: tuple[float, ...] | None = None,
    **provenance: Any,
) -> Sample:
    """One array of an .npz file. Pickled objects are refused.

    Args:
        path: the file.
        key: which array.
        name: for the Sample; file and key by default.
        unit: of the values.
        spacing_mm: one number per spatial axis, where known.
        provenance: licence, cite, doi, note of the Sample.

    Raises:
        DataError: missing, truncated, not NPZ, without that key, or holding Python objects.
    """
    path = _existing(path)
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path} is not an .npz archive: damaged, truncated, or a single array (.npy)"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            if key not in archive.files:
                raise DataError(f"{path} has no array {key!r}; it has {', '.join(archive.files)}")
            array = archive[key]
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not a readable .npz file: {error}") from error
    return Sample(
        array,
        name=name or f"{path.name}:{key}",
        kind="real",
        unit=unit,
        sha256=sha256_of_file(path),
        spacing_mm=spacing_mm,
        path=path,
        **provenance,
    )
