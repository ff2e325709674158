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


# -- where voxels lie: one form, or two that agree -------------------------------------------------

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def write(path, *, sform=None, qform=None, sform_code=1, qform_code=1, values=VALUES, of=None):
    image = (of or nib.Nifti1Image)(values, None)
    image.header.set_sform(sform, code=0 if sform is None else sform_code)
    image.header.set_qform(qform, code=0 if qform is None else qform_code)
    image.to_filename(path)
    return path


def test_a_file_without_a_form_does_not_know_left_from_right(tmp_path):
    path = write(tmp_path / "a.nii")
    header = nib.load(path).header
    assert (header["qform_code"], header["sform_code"]) == (0, 0)
    with pytest.raises(DataError, match=r"qform_code = sform_code = 0.*left and right"):
        read_nifti(path)


@pytest.mark.parametrize("of", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("forms", [("sform",), ("qform",), ("sform", "qform")])
def test_either_form_will_do_and_both_where_they_agree(tmp_path, forms, of):
    read = read_nifti(write(tmp_path / "a.nii", of=of, **dict.fromkeys(forms, TURNED)))
    assert read.spacing_mm == pytest.approx((3, 2, 4))
    for value in (0, 7, 23):
        before = TURNED @ [*np.argwhere(value == VALUES)[0], 1]
        after = read.affine @ [*np.argwhere(read.array == value)[0], 1]
        np.testing.assert_allclose(after, before, atol=1e-4)


def test_a_qform_rounded_to_single_precision_agrees(tmp_path):
    turn, tip = np.deg2rad(31), np.deg2rad(17)
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]]
    form = np.eye(4)
    form[:3, :3] = np.array(about_z) @ about_x @ np.diag([0.9, 0.9, 1.2])
    form[:3, 3] = [-90, 126.123, -72]
    values = np.zeros((200, 220, 160), np.uint8)
    path = write(tmp_path / "a.nii.gz", sform=form, qform=form, values=values)
    assert read_nifti(path).spacing_mm == pytest.approx((0.9, 0.9, 1.2))


MIRRORED = np.diag([-1.0, 1, 1, 1])
MOVED = np.array([[1.0, 0, 0, 8], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("sform", "codes", "says"),
    [
        (MIRRORED, (1, 1), "axes run to LAS by the sform and to RAS by the qform"),
        (MIRRORED, (4, 1), "axes run to LAS by the sform and to RAS by the qform"),
        (MOVED, (1, 1), "the same voxel lies up to 8.00 mm apart"),
        (np.diag([1.2, 1, 1, 1]), (1, 1), "voxels of"),
        (np.diag([1.2, 1, 1, 1]), (4, 1), "voxels of"),
    ],
)
def test_forms_that_contradict_each_other_are_refused(tmp_path, sform, codes, says):
    path = write(
        tmp_path / "a.nii", sform=sform, qform=np.eye(4), sform_code=codes[0], qform_code=codes[1]
    )
    with pytest.raises(DataError, match=f"contradict each other: {says}"):
        read_nifti(path)


def test_forms_of_two_spaces_may_lie_apart_and_the_sform_is_read(tmp_path):
    """Scanner coordinates beside a template's: a move is what the second form is for."""
    path = write(tmp_path / "a.nii", sform=MOVED, qform=np.eye(4), sform_code=4, qform_code=1)
    assert read_nifti(path).affine[0, 3] == 8


@pytest.mark.parametrize(
    "form",
    [
        np.diag([1.0, 0, 1, 1]),
        np.diag([1.0, np.nan, 1, 1]),
        np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
)
def test_a_form_that_is_no_place_is_refused(tmp_path, form):
    with pytest.raises(DataError, match=r"the sform of .* is no place"):
        read_nifti(write(tmp_path / "a.nii", sform=form))


# -- what is not a volume in NIfTI -----------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (5, 6)])
def test_fewer_than_three_axes_are_refused(tmp_path, shape):
    path = write(tmp_path / "a.nii", sform=np.eye(4), values=np.zeros(shape, np.float32))
    with pytest.raises(DataError, match="a volume has three axes"):
        read_nifti(path)


def test_time_is_kept_as_a_further_axis(tmp_path):
    values = np.arange(48, dtype=np.float32).reshape(2, 3, 4, 2)
    read = read_nifti(write(tmp_path / "a.nii", sform=MIRRORED, values=values))
    np.testing.assert_array_equal(read.array, values[::-1])
    assert len(read.spacing_mm) == 3


@pytest.mark.parametrize(
    ("of", "name", "says"),
    [
        (nib.MGHImage, "a.mgz", "FreeSurfer's MGH"),
        (nib.AnalyzeImage, "a.hdr", "Analyze, which does not know left from right"),
        (nib.Spm2AnalyzeImage, "a.img", "Analyze, which does not know left from right"),
        (nib.Nifti1Pair, "a.hdr", "NIfTI in two files"),
    ],
)
def test_other_formats_are_named_in_one_line(tmp_path, of, name, says):
    nib.save(of(VALUES, np.eye(4)), tmp_path / name)
    with pytest.raises(DataError, match=says) as caught:
        read_nifti(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["c8", [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_colours_and_complex_numbers_are_refused(tmp_path, dtype):
    values = np.zeros((2, 3, 4), dtype=dtype)
    with pytest.raises(DataError, match="real numbers are read only"):
        read_nifti(write(tmp_path / "a.nii", sform=np.eye(4), values=values))
