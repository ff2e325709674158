"""Real CT and MR slices: the test files of pydicom's wheel."""

import numpy as np

from data_fetch.packaged.wheel import packaged_file
from data_fetch.readers import read_dicom
from data_fetch.sample import Sample

_PYDICOM = "data/test_files/"
_PYDICOM_LICENCE = (
    "shipped in the wheel of pydicom (MIT); its test files' README: \"I believe there is no "
    'restriction on using any of these files in this manner"'
)
_PYDICOM_CITE = (
    "Mason D. SU-E-T-33: Pydicom: an open source DICOM library. Med. Phys. 2011;38:3493."
)
_PYDICOM_DOI = "10.1118/1.3611983"


def head_ct(*, padding_hu: float | None = -1000.0) -> Sample:
    """A real axial head CT, skull base and posterior fossa, 512x512, 0.431 mm, 5 mm thick, in HU.

    The file is JPEG 2000 lossless with an unsigned code stream under a signed header, which
    pydicom corrects; Pillow decodes it.

    Args:
        padding_hu: what replaces the -2000 stored outside the reconstruction circle;
            air by default, None keeps the stored value.

    Returns:
        Sample of float32 (row, column), HU.

    >>> ct = head_ct()
    >>> ct.array.shape, ct.unit, ct.spacing_mm
    ((512, 512), 'HU', (0.431, 0.431))
    """
    sample = _pydicom(
        "J2K_pixelrep_mismatch.dcm",
        "2df92c523d36639e4d88f892f47e4f6616c48ab017a445a6241ffe38b2d07bbf",
        name="pydicom/head_ct",
        note="one anonymous patient, one slice; its source: pydicom's issue 1149, no more is known",
    )
    return _fill_padding(sample, padding_hu)


def ct_small(*, padding_hu: float | None = -1000.0) -> Sample:
    """A real CT region around a thoracic vertebra, 128x128 at 0.661 mm, 5 mm thick, in HU.

    It is cropped from a larger slice: the body goes on beyond every edge, so a projection of it
    is a truncated one; use a circular mask.

    >>> ct_small().array.shape
    (128, 128)
    """
    sample = _pydicom(
        "CT_small.dcm",
        "3dd31e5cc835b3f2cdd46c9da1982f59251e78518fefa8163d914631c66437d6",
        name="pydicom/ct_small",
        note="a truncated region of CT1_UNC of NEMA's WG-04 test images",
    )
    return _fill_padding(sample, padding_hu)


def mr_small() -> Sample:
    """A real MR region, 64x64 at 0.3125 mm: small vessels near bright fat; arbitrary units.

    >>> mr_small().unit
    'arbitrary units'
    """
    return _pydicom(
        "MR_small.dcm",
        "3f27d1c22f1a66e80d7bb7c911e8610fd0bb70325a76746a7adb1c0ddefcf2bb",
        name="pydicom/mr_small",
        note="downsized from MR1_UNC of NEMA's WG-04 test images",
    )


def mr_abdomen() -> Sample:
    """A real axial abdominal MR slice with a liver lesion, 300x484 at 0.723 mm; arbitrary units.

    >>> mr_abdomen().array.shape
    (300, 484)
    """
    return _pydicom(
        "examples_overlay.dcm",
        "112539bc17c0e281987397e827dff9e99890109866d570f08761f83b8f55c277",
        name="pydicom/mr_abdomen",
        licence="from GDCM's data, BSD-3-Clause, cropped by pydicom (README of its test files)",
        note="MR-SIEMENS-DICOM-WithOverlays.dcm of GDCM, cropped",
    )


def _pydicom(
    file: str, sha256: str, *, name: str, note: str, licence: str = _PYDICOM_LICENCE
) -> Sample:
    path = packaged_file("pydicom", _PYDICOM + file, sha256=sha256)
    return read_dicom(
        path, name=name, licence=licence, cite=_PYDICOM_CITE, doi=_PYDICOM_DOI, note=note
    )


def _fill_padding(sample: Sample, padding_hu: float | None) -> Sample:
    if padding_hu is None:
        return sample
    # -1024 is the least value that a scanner assigns to a measured pixel
    filled = np.where(sample.array < -1024, np.float32(padding_hu), sample.array)
    return sample.with_array(filled)
