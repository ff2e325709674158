"""DICOM images: real ones of pydicom's wheel, and tiny ones written here."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_rescale, pixel_array

from data_fetch.errors import DataError
from data_fetch.readers import read_dicom
from tests.data_fetch.readers.slices import PYDICOM, STORED, write_ct


def test_dicom_values_are_rescaled_and_spacing_is_rows_then_columns(tmp_path):
    ct = read_dicom(write_ct(tmp_path / "a.dcm", STORED))
    np.testing.assert_array_equal(ct.array, 2.0 * STORED - 1000)
    assert (ct.unit, ct.spacing_mm, ct.array.dtype) == ("HU", (0.7, 0.5), np.float32)


@pytest.mark.parametrize("file", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm"])
def test_real_files_agree_with_pydicom(file):
    dataset = pydicom.dcmread(PYDICOM / file)
    expected = apply_rescale(pixel_array(dataset), dataset)
    np.testing.assert_array_equal(read_dicom(PYDICOM / file).array, expected.astype(np.float32))


def test_affine_places_pixels_where_the_standard_says(tmp_path):
    """PS3.3 C.7.6.2.1-1, for a tilted slice; RAS is the standard's LPS with x and y negated."""
    tilt = np.deg2rad(20)
    along_row, along_column = [0.0, 1.0, 0.0], [np.sin(tilt), 0.0, -np.cos(tilt)]
    ct = read_dicom(
        write_ct(tmp_path / "a.dcm", STORED, ImageOrientationPatient=along_row + along_column)
    )
    row, column = 2, 3
    lps = (
        np.array([-10.0, -20.0, 30.0])
        + np.array(along_row) * 0.5 * column
        + np.array(along_column) * 0.7 * row
    )
    np.testing.assert_allclose((ct.affine @ [row, column, 0, 1])[:3], lps * [-1, -1, 1], atol=1e-6)
    assert ct.orientation == "rows to I, columns to P"


def test_missing_spacing_is_none_and_not_one(tmp_path):
    ct = read_dicom(write_ct(tmp_path / "a.dcm", STORED, PixelSpacing=None))
    assert ct.spacing_mm is None
    assert ct.affine is None


def test_spacing_of_zero_is_an_error(tmp_path):
    with pytest.raises(DataError, match="must be positive"):
        read_dicom(write_ct(tmp_path / "a.dcm", STORED, PixelSpacing=[0.0, 1.0]))


@pytest.mark.parametrize("keep", [0, 10, 131, 132, 200, 500, 0.9, 0.999])
def test_truncated_dicom_is_a_clear_error(tmp_path, keep):
    whole = (PYDICOM / "CT_small.dcm").read_bytes()
    bad = tmp_path / "bad.dcm"
    # the file ends in 128 bytes of trailing padding that carry nothing
    body = whole[: whole.rindex(b"\xfc\xff\xfc\xff")]
    bad.write_bytes(body[: keep if isinstance(keep, int) else int(keep * len(body))])
    with pytest.raises(DataError, match=r"bad\.dcm"):
        read_dicom(bad)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("rtplan.dcm", "holds no image"),
        ("SC_rgb_rle.dcm", "in colour .PhotometricInterpretation RGB"),
        ("rtdose.dcm", "several frames .15. that state no position each"),
        ("README.txt", "not a readable DICOM file"),
    ],
)
def test_other_objects_are_named_for_what_they_are(file, says):
    with pytest.raises(DataError, match=says):
        read_dicom(PYDICOM / file)


def test_missing_file_and_folder_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_dicom(tmp_path / "none")
    with pytest.raises(DataError, match="is a folder"):
        read_dicom(tmp_path)
