"""A reader's own scans come in with their lesions where they were, or are refused by name."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.folder import visible_files
from data_fetch.tasks.lesion_folder import read_lesion_folder

OPTIONS = {"shape": (24, 20), "pixel_mm": 2.0, "slices": 3}


def patient(folder, *, spacing=(1.0, 1.0, 3.0), shape=(36, 44, 9), at=(24, 30), label=1, pre=True):
    """A grey block for a head with one lesion of 4 x 4 voxels, to the patient's right and front."""
    volume = np.zeros(shape, np.float32)
    volume[6:-6, 6:-6] = 100.0
    mask = np.zeros(shape, np.int16)
    mask[at[0] : at[0] + 4, at[1] : at[1] + 4] = label
    volume[mask > 0] = 160.0
    affine = np.diag([*spacing, 1.0])
    scan = folder / "pre" if pre else folder
    scan.mkdir(parents=True)
    nib.save(nib.Nifti1Image(volume, affine), scan / "FLAIR.nii.gz")
    nib.save(nib.Nifti1Image(mask, affine), folder / "wmh.nii.gz")


def test_lesions_lie_where_they_did_and_each_slice_knows_its_patient(tmp_path):
    patient(tmp_path / "Utrecht" / "0")
    patient(tmp_path / "1", pre=False)
    read = read_lesion_folder(tmp_path, **OPTIONS)
    assert read.sample.array.shape == read.masks.shape == (6, 24, 20)
    assert read.patients.tolist() == [0, 0, 0, 1, 1, 1]
    assert read.names == ("1", "Utrecht/0")
    rows, columns = np.nonzero(read.masks[0])
    assert len(rows) == 4  # 4 x 4 mm in pixels of 2 mm
    assert rows.max() < 12
    assert columns.max() < 10
    assert read.sample.array[read.masks].mean() > 1.3 * 0.55
    assert np.median(read.sample.array[read.sample.array > 0.3]) == pytest.approx(0.55, abs=0.01)
    assert read.sample.spacing_mm == (2.0, 2.0)
    assert read.sample.kind == "real"


def test_scans_of_another_kind_beside_them_do_not_make_a_folder_look_changed(tmp_path):
    """What a run remembers of the folder is what the press lists when it asks for changes."""
    for name in ("0", "1"):
        patient(tmp_path / name)
    (tmp_path / "0" / "pre" / "T1.nii.gz").write_bytes(b"looked at by nobody")
    sample = read_lesion_folder(tmp_path, **OPTIONS).sample
    listed = [path.relative_to(tmp_path) for path in visible_files(tmp_path, sample.members_glob)]
    assert sorted(name for name, _ in sample.members) == sorted(map(Path.as_posix, listed))
    assert len(listed) == 5


def test_other_disease_is_no_lesion(tmp_path):
    patient(tmp_path / "0", label=2)
    patient(tmp_path / "1")
    read = read_lesion_folder(tmp_path, **OPTIONS)
    assert not read.masks[read.patients == 0].any()
    assert read.masks[read.patients == 1].any()


def test_pixels_that_are_not_square_become_square(tmp_path):
    for name in ("0", "1"):
        patient(tmp_path / name, spacing=(1.0, 2.0, 3.0))
    masks = read_lesion_folder(tmp_path, **OPTIONS).masks
    rows, columns = np.nonzero(masks[0])
    assert np.ptp(rows) + 1 == 4
    assert np.ptp(columns) + 1 == 2


def test_what_does_not_fit_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        read_lesion_folder(tmp_path / "nowhere", **OPTIONS)
    patient(tmp_path / "0")
    with pytest.raises(DataError, match="two patients or more"):
        read_lesion_folder(tmp_path, **OPTIONS)
    patient(tmp_path / "1", shape=(30, 44, 9))
    scan = tmp_path / "1" / "pre" / "FLAIR.nii.gz"
    good = scan.read_bytes()
    scan.write_bytes((tmp_path / "0" / "pre" / "FLAIR.nii.gz").read_bytes())
    with pytest.raises(DataError, match="of one shape"):
        read_lesion_folder(tmp_path, **OPTIONS)
    scan.write_bytes(good)
    with pytest.raises(DataError, match="shows a head in 9 slices; 12 are asked for"):
        read_lesion_folder(tmp_path, **(OPTIONS | {"slices": 12}))
    scan.unlink()
    with pytest.raises(DataError, match=r"but neither pre/FLAIR.nii.gz nor FLAIR.nii.gz"):
        read_lesion_folder(tmp_path, **OPTIONS)


def test_a_mask_that_lies_elsewhere_is_refused(tmp_path):
    for name in ("0", "1"):
        patient(tmp_path / name)
    mask = tmp_path / "1" / "wmh.nii.gz"
    data = nib.load(mask).get_fdata().astype(np.int16)
    mask.unlink()
    nib.save(nib.Nifti1Image(data, np.diag([1.0, 1.0, 4.0, 1.0])), mask)
    with pytest.raises(DataError, match="lie in different places"):
        read_lesion_folder(tmp_path, **OPTIONS)
