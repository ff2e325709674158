"""A DICOM file that holds an image, told from one of another kind and from a damaged one."""

import warnings
from pathlib import Path
from typing import Any

from data_fetch.errors import DataError, NoImageError

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")


def read_header(path: Path) -> Any:
    """The dataset of a DICOM file that holds an image.

    Raises:
        NoImageError: a whole file that is no image: not DICOM, or a report, a plan, a directory.
        DataError: a damaged one: empty, cut short, or called .dcm without being DICOM.
    """
    import pydicom
    from pydicom.misc import is_dicom
    from pydicom.uid import UID

    try:
        with path.open("rb") as file:
            preamble = file.read(128)
        marked = is_dicom(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if not marked:
        # 128 zeros begin a DICOM file: one that is nothing else, or empty, was cut short
        damaged = path.suffix.lower() in _DICOM_SUFFIXES or not preamble.strip(b"\0")
        raise (DataError if damaged else NoImageError)(
            f"{path} is not a readable DICOM file: it has no mark DICM at byte 128, so it is cut"
            " short, has lost its file header (dcmconv of DCMTK writes a new one), or is something"
            " else"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd headers are common; what matters is checked
            dataset = pydicom.dcmread(path)
            pixels, rows = "PixelData" in dataset, dataset.get("Rows")
            made_as = dataset.get("SOPClassUID") or dataset.file_meta.get(
                "MediaStorageSOPClassUID", ""
            )
    except Exception as error:  # a corrupt file raises anything from EOFError to KeyError
        raise DataError(f"{path} is not a readable DICOM file: {error}") from error
    if pixels and rows is not None:
        return dataset
    what = UID(str(made_as)).name
    if not what or "Image Storage" in what or rows is not None:
        raise DataError(
            f"{path} holds no image: its pixels are missing; the file was cut short or stripped"
        )
    raise NoImageError(f"{path} holds no image: it is of the class {what}")
