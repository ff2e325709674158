"""One DICOM image."""

from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError
from data_fetch.readers.dicom_file import read_header
from data_fetch.readers.dicom_header import Plane, planes
from data_fetch.readers.dicom_pixels import values
from data_fetch.readers.file import existing_file
from data_fetch.sample import Sample, sha256_of_file


def read_dicom(path: Path | str, *, name: str | None = None, **provenance: Any) -> Sample:
    """One single-frame DICOM image in the unit its header states.

    value = slope * stored + intercept, or the Modality LUT's (PS3.3 C.11.1); HU for CT. In an
    enhanced object both stand in the functional groups.

    Args:
        path: the file.
        name: for the Sample; the file's name by default.
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (row, column) with spacing_mm = (between rows, between columns), and the
        affine from (row, column, 0) to RAS+ where the header has position and orientation.

    Raises:
        DataError: missing, truncated or not DICOM; no pixels; colour or several frames; compressed
            in a way that no installed decoder reads; CT without its rescale tags; an element of
            the header that is not what the standard says.

    >>> import pydicom.data
    >>> read_dicom(pydicom.data.get_testdata_file("CT_small.dcm", download=False))
    Sample('CT_small.dcm', real, float32 128x128, 0.661468x0.661468 mm, HU)
    """
    path = existing_file(path)
    plane, *others = planes(read_header(path), path)
    if others:
        raise DataError(
            f"{path} has several frames ({len(others) + 1}); read_dicom reads one image, "
            "read_dicom_series all the frames of an enhanced file"
        )
    affine = plane.affine
    return Sample(
        values(plane),
        name=name or path.name,
        kind="real",
        unit=plane.unit,
        sha256=sha256_of_file(path),
        spacing_mm=plane.spacing_mm,
        path=path,
        affine=affine,
        orientation="" if affine is None else axes_in_words(affine, ("rows", "columns")),
        **with_inversion(provenance, plane),
    )


def with_inversion(provenance: dict[str, Any], plane: Plane) -> dict[str, Any]:
    """`provenance`, its note saying so where the image is meant to be shown as a negative."""
    if plane.dataset.get("PhotometricInterpretation") != "MONOCHROME1":
        return provenance
    note = "; ".join(filter(None, (provenance.get("note"), "low values are shown bright")))
    return provenance | {"note": note}


def axes_in_words(affine: np.ndarray, names: tuple[str, ...]) -> str:
    """Which way each axis runs, e.g. "rows to P, columns to L"."""
    letters = []
    for axis in range(len(names)):
        way = affine[:3, axis]
        main = int(np.argmax(np.abs(way)))
        letters.append("LPI"[main] if way[main] < 0 else "RAS"[main])
    return ", ".join(f"{n} to {letter}" for n, letter in zip(names, letters, strict=True))
