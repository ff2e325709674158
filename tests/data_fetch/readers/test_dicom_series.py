"""DICOM series: sorted by place, straight, evenly spaced, or refused."""

import random

import numpy as np
import pydicom
import pytest

from data_fetch.errors import DataError
from data_fetch.readers import read_dicom_series
from tests.data_fetch.readers.slices import REAL_SERIES, series, write_ct


def test_real_series_is_sorted_by_position_whatever_the_order_of_the_files():
    files = [p for p in REAL_SERIES.iterdir() if p.is_file()]
    expected = read_dicom_series(REAL_SERIES)
    random.Random(0).shuffle(files)
    shuffled = read_dicom_series(files)
    np.testing.assert_array_equal(shuffled.array, expected.array)
    assert shuffled.sha256 == expected.sha256
    assert expected.array.shape == (5, 16, 16)
    positions = sorted(float(pydicom.dcmread(p).ImagePositionPatient[2]) for p in files)
    assert expected.spacing_mm[0] == pytest.approx(np.diff(positions).mean())
    for k, z in enumerate(positions):
        assert (expected.affine @ [k, 0, 0, 1])[2] == pytest.approx(z)


def test_slices_come_in_the_order_of_the_normal(tmp_path):
    volume = read_dicom_series(series(tmp_path / "s", [0.0, 2.5, 5.0]))
    np.testing.assert_array_equal(volume.array[:, 0, 0], [-1000, -998, -996])
    assert volume.spacing_mm == (2.5, 0.7, 0.5)
    assert volume.orientation == "slices to S, rows to P, columns to L"


def test_a_missing_slice_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"from 2\.500 to 5\.000 mm; a slice is missing"):
        read_dicom_series(series(tmp_path / "s", [0.0, 2.5, 7.5]))


def test_two_slices_at_one_place_are_an_error(tmp_path):
    with pytest.raises(DataError, match="same position"):
        read_dicom_series(series(tmp_path / "s", [0.0, 2.5, 2.5]))


def test_two_series_in_one_folder_are_an_error(tmp_path):
    series(tmp_path / "s", [0.0, 2.5])
    write_ct(tmp_path / "s/other.dcm", np.zeros((3, 4)), SeriesInstanceUID="1.2.4")
    with pytest.raises(DataError, match="differ in SeriesInstanceUID"):
        read_dicom_series(tmp_path / "s")


def test_slices_without_a_position_cannot_be_sorted(tmp_path):
    (tmp_path / "s").mkdir()
    write_ct(tmp_path / "s/a.dcm", np.zeros((3, 4)), ImagePositionPatient=None)
    with pytest.raises(DataError, match="cannot be sorted"):
        read_dicom_series(tmp_path / "s")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no DICOM files"):
        read_dicom_series(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        read_dicom_series(tmp_path / "none")
