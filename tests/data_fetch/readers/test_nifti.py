"""NIfTI volumes that nibabel wrote: in RAS+ order, or refused."""

import nibabel as nib
import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.readers import read_nifti

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
