"""Readers on real files of installed wheels and on tiny ones that other libraries wrote."""

import random
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels import apply_rescale, pixel_array
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from data_fetch.errors import DataError
from data_fetch.readers import (
    read_dicom,
    read_dicom_series,
    read_image,
    read_nifti,
    read_npz,
)

PYDICOM = Path(pydicom.__file__).parent / "data/test_files"
REAL_SERIES = PYDICOM / "dicomdirtests/98892001/CT5N"

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def write_ct(path: Path, stored: np.ndarray, **changes: object) -> Path:
    """A minimal CT image; `changes` are DICOM attributes, None removes one."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    attributes = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.3",
        "Modality": "CT",
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelSpacing": [0.7, 0.5],
        "RescaleSlope": 2,
        "RescaleIntercept": -1000,
        "ImagePositionPatient": [-10.0, -20.0, 30.0],
        "ImageOrientationPatient": AXIAL,
    } | changes
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = stored.astype("<i2").tobytes()
    dataset.save_as(path)
    return path


STORED = np.arange(12).reshape(3, 4) * 100


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
        ("SC_rgb_rle.dcm", "in colour or has several frames"),
        ("rtdose.dcm", "in colour or has several frames"),
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


def series(folder: Path, places_mm: list[float], **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    for i, z in enumerate(places_mm):
        # names in the reverse order of position: sorting by name would be wrong
        write_ct(
            folder / f"{99 - i}.dcm",
            np.full((3, 4), i),
            ImagePositionPatient=[0.0, 0.0, z],
            **changes,
        )
    return folder


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


# Axes to A, L and I with 2, 3 and 4 mm: everything that RAS must undo.
TURNED = np.array([[0, -3, 0, 5], [2, 0, 0, -7], [0, 0, -4, 9], [0, 0, 0, 1.0]])


def test_nifti_comes_out_in_ras_and_every_voxel_keeps_its_place(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    nib.save(nib.Nifti1Image(values, TURNED), tmp_path / "a.nii.gz")
    read = read_nifti(tmp_path / "a.nii.gz")
    assert read.spacing_mm == pytest.approx((3, 2, 4))
    assert np.all(np.diag(read.affine) > 0)
    for value in (0, 7, 23):
        before = TURNED @ [*np.argwhere(values == value)[0], 1]
        after = read.affine @ [*np.argwhere(read.array == value)[0], 1]
        np.testing.assert_allclose(after, before)


def test_nifti_in_metres_is_read_in_mm(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.diag([0.002, 0.002, 0.003, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    read = read_nifti(tmp_path / "a.nii")
    assert read.spacing_mm == pytest.approx((2, 2, 3))
    assert np.diag(read.affine)[:3] == pytest.approx([2, 2, 3])


def test_nifti_scale_factors_are_applied(tmp_path):
    image = nib.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    nib.save(image, tmp_path / "a.nii")
    expected = nib.load(tmp_path / "a.nii").get_fdata()
    np.testing.assert_array_equal(read_nifti(tmp_path / "a.nii").array, expected)


@pytest.mark.parametrize("keep", [0, 100, 360])
@pytest.mark.parametrize("name", ["bad.nii", "bad.nii.gz", "bad.txt"])
def test_truncated_nifti_is_a_clear_error(tmp_path, keep, name):
    whole = tmp_path / "whole.nii"
    nib.save(nib.Nifti1Image(np.zeros((9, 9, 9), np.float32), np.eye(4)), whole)
    (tmp_path / name).write_bytes(whole.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"{name} is not a readable NIfTI"):
        read_nifti(tmp_path / name)


@pytest.mark.parametrize(
    ("mode", "shape", "unit"),
    [
        ("L", (5, 7), "intensity 0..255"),
        ("RGB", (5, 7, 3), "intensity 0..255"),
        ("RGBA", (5, 7, 3), "intensity 0..255"),
        ("P", (5, 7, 3), "intensity 0..255"),
        ("1", (5, 7), "intensity 0..255"),
        ("I;16", (5, 7), "intensity 0..65535"),
    ],
)
def test_every_kind_of_png_becomes_grey_or_rgb(tmp_path, mode, shape, unit):
    Image.new(mode, (7, 5)).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert (read.array.shape, read.unit, read.spacing_mm) == (shape, unit, None)


def test_16_bit_png_keeps_its_values(tmp_path):
    values = np.array([[0, 1000], [40000, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, values)


@pytest.mark.parametrize("keep", [0, 20, 300])
def test_truncated_png_is_a_clear_error(tmp_path, keep):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "a.png").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"bad\.png is not a readable picture"):
        read_image(tmp_path / "bad.png")


def test_npz_reads_the_array_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.zeros(2))
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", key="x").array, [0, 1, 2])
    with pytest.raises(DataError, match="no array 'z'; it has x, y"):
        read_npz(tmp_path / "a.npz", key="z")


def test_npz_never_unpickles(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(DataError, match="allow_pickle=False"):
        read_npz(tmp_path / "a.npz", key="x")


def test_npz_with_a_changed_byte_is_a_clear_error(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3000))
    body = bytearray((tmp_path / "a.npz").read_bytes())
    body[len(body) // 2] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(body)
    with pytest.raises(DataError, match=r"bad\.npz is not a readable"):
        read_npz(tmp_path / "bad.npz", key="x")


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_truncated_npz_is_a_clear_error(tmp_path, keep):
    np.savez(tmp_path / "a.npz", x=np.arange(300))
    (tmp_path / "bad.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"bad\.npz"):
        read_npz(tmp_path / "bad.npz", key="x")


def test_single_array_is_told_from_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    shutil.copy(tmp_path / "a.npy", tmp_path / "a.npz")
    with pytest.raises(DataError, match="single array"):
        read_npz(tmp_path / "a.npz", key="x")
