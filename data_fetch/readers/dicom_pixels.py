"""The values of a DICOM plane, in the unit that its header states."""

import warnings

import numpy as np

from data_fetch.errors import DataError
from data_fetch.readers.dicom_header import Plane

# Pillow carries OpenJPEG and libjpeg-turbo, and is a dependency already. Named here, the
# decoder does not change with what else happens to be installed.
_DECODERS = {
    "1.2.840.10008.1.2.4.50": "pillow",  # JPEG baseline
    "1.2.840.10008.1.2.4.90": "pillow",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": "pillow",  # JPEG 2000
    "1.2.840.10008.1.2.5": "pydicom",  # RLE lossless
}


def values(plane: Plane) -> np.ndarray:
    """The plane's values, float32 (row, column): slope * stored + intercept, or the Modality LUT's.

    Raises:
        DataError: the pixels cannot be decoded, or the table not be used.
    """
    stored = _stored(plane)
    if plane.dataset.get("ModalityLUTSequence"):
        return _through_table(stored, plane)
    slope, intercept = plane.rescale or (1.0, 0.0)
    return (slope * stored + intercept).astype(np.float32)


def _stored(plane: Plane) -> np.ndarray:
    from pydicom.pixels import pixel_array

    syntax = plane.dataset.file_meta.get("TransferSyntaxUID")
    compressed = syntax is not None and syntax.is_compressed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pixel_array(
                plane.dataset, index=plane.frame, decoding_plugin=_DECODERS.get(str(syntax), "")
            )
    except Exception as error:
        how = f" ({syntax.name})" if compressed else ""
        way_out = ". If the file is whole, gdcmconv --raw writes it uncompressed"
        raise DataError(
            f"the pixels of {plane.name}{how} cannot be decoded: {error}"
            f"{way_out if compressed else ''}"
        ) from error


def _through_table(stored: np.ndarray, plane: Plane) -> np.ndarray:
    from pydicom.pixels import apply_modality_lut

    try:
        # wide integers: the table's first value is taken off before the look-up
        return apply_modality_lut(stored.astype(np.int64), plane.dataset).astype(np.float32)
    except Exception as error:
        raise DataError(f"the Modality LUT of {plane.name} cannot be used: {error}") from error
