"""DICOM series: sorted by place, straight, evenly spaced, or refused."""

import random
import shutil

import numpy as np
import pydicom
import pytest

from data_fetch.errors import DataError
from data_fetch.readers import read_dicom_series
from data_fetch.sample import sha256_of_file
from tests.data_fetch.readers.slices import (
    PYDICOM,
    REAL_SERIES,
    raw,
    series,
    write_ct,
    write_enhanced,
)


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


# -- headers are compared as numbers, in mm --------------------------------------------------------


def test_numbers_written_in_two_ways_are_one(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    raw(folder / "99.dcm", "PixelSpacing", "0.70\\0.500")
    raw(folder / "98.dcm", "ImageOrientationPatient", "1.0\\0.00\\0\\0\\1\\-0.0")
    raw(folder / "97.dcm", "ImageOrientationPatient", "0.999999\\0\\0\\0\\1\\0")
    assert read_dicom_series(folder).array.shape == (3, 3, 4)


def test_thin_slices_at_rounded_places_are_accepted(tmp_path):
    """.625 mm written to .01 mm: gaps of .62 and .63 mm."""
    places = [round(0.625 * k, 2) for k in range(12)]
    volume = read_dicom_series(series(tmp_path / "s", places))
    assert volume.spacing_mm[0] == pytest.approx(0.625, abs=0.001)


def test_a_thin_slice_that_is_missing_is_still_found(tmp_path):
    for lost in (1, 5, 10):
        places = [round(0.625 * k, 2) for k in range(12) if k != lost]
        with pytest.raises(DataError, match="a slice is missing"):
            read_dicom_series(series(tmp_path / f"without {lost}", places))


def test_what_is_no_difference_for_thick_slices_is_one_for_thin_ones(tmp_path):
    """One of .15 mm is missing: .075 mm from an even spacing, half a slice."""
    with pytest.raises(DataError, match="a slice is missing"):
        read_dicom_series(series(tmp_path / "s", [0.0, 0.15, 0.45]))


def test_gaps_that_drift_are_no_even_spacing(tmp_path):
    """Each differs from the next by less than a tenth of a millimetre, the ends by half."""
    places = np.cumsum(np.linspace(2.0, 2.5, 11))
    with pytest.raises(DataError, match="not evenly spaced"):
        read_dicom_series(series(tmp_path / "s", places.tolist()))


def test_slices_turned_against_each_other_are_refused(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    turn = np.deg2rad(5)
    six = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
    raw(folder / "98.dcm", "ImageOrientationPatient", "\\".join(f"{x:.6f}" for x in six))
    with pytest.raises(DataError, match=r"differ in ImageOrientationPatient.*98\.dcm.*turned"):
        read_dicom_series(folder)


def test_pixels_of_two_sizes_are_refused(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    raw(folder / "98.dcm", "PixelSpacing", "0.75\\0.5")
    with pytest.raises(DataError, match=r"differ in PixelSpacing.*98\.dcm"):
        read_dicom_series(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"FrameOfReferenceUID": "1.9"}, "differ in FrameOfReferenceUID"),
        ({"Modality": "MR"}, "differ in Modality"),
        ({"RescaleType": "MGML"}, "differ in unit"),
        ({"RescaleSlope": None, "RescaleIntercept": None}, r"98\.dcm is CT without RescaleSlope"),
        ({"PixelSpacing": None}, r"98\.dcm has no PixelSpacing"),
        ({"ImageOrientationPatient": None}, r"cannot be sorted.*98\.dcm"),
    ],
)
def test_one_slice_of_another_kind_is_named(tmp_path, changes, says):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0], FrameOfReferenceUID="1.8")
    place = {"ImagePositionPatient": [0.0, 0.0, 2.5], "FrameOfReferenceUID": "1.8"}
    write_ct(folder / "98.dcm", np.zeros((3, 4)), **place | changes)
    with pytest.raises(DataError, match=says):
        read_dicom_series(folder)


def test_one_mr_slice_without_rescale_among_others_is_refused(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0], Modality="MR")
    bare = {"RescaleSlope": None, "RescaleIntercept": None, "Modality": "MR"}
    write_ct(folder / "98.dcm", np.zeros((3, 4)), ImagePositionPatient=[0.0, 0.0, 2.5], **bare)
    with pytest.raises(DataError, match=r"differ in how values are scaled.*1 \(98\.dcm\)"):
        read_dicom_series(folder)


# -- straight or not at all ------------------------------------------------------------------------


def tilted(folder, *, degrees, n=20, gap_mm=5.0):
    """Slices whose normal leans by `degrees` against the line on which their corners lie."""
    lean = np.deg2rad(degrees)
    six = [1.0, 0.0, 0.0, 0.0, np.cos(lean), np.sin(lean)]
    folder.mkdir()
    for k in range(n):
        write_ct(
            folder / f"{k}.dcm",
            np.full((3, 4), k),
            ImagePositionPatient=[0.0, 0.0, k * gap_mm],
            ImageOrientationPatient=[round(x, 6) for x in six],
        )
    return folder


@pytest.mark.parametrize("degrees", [20, -20, 5, 1, 0.3])
def test_a_tilted_gantry_is_refused_with_the_distance_that_it_would_cost(tmp_path, degrees):
    """20 degrees over 19 gaps of 5 mm: 95 mm * sin(20 degrees) = 32.5 mm at the end."""
    aside = 95 * np.sin(np.deg2rad(abs(degrees)))
    with pytest.raises(DataError, match=rf"by up to {aside:.1f} mm.*a tilted gantry or a sheared"):
        read_dicom_series(tilted(tmp_path / "s", degrees=degrees))


def test_one_slice_shifted_in_its_plane_is_refused(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    raw(folder / "98.dcm", "ImagePositionPatient", "0\\3\\2.5")
    with pytest.raises(DataError, match=r"by up to 3\.0 mm"):
        read_dicom_series(folder)


def test_an_oblique_stack_is_straight_and_its_affine_says_where_each_voxel_lies(tmp_path):
    lean = np.deg2rad(30)
    along_row, along_column = np.eye(3)[0], np.array([0, np.cos(lean), np.sin(lean)])
    normal = np.cross(along_row, along_column)
    for k in range(5):
        write_ct(
            tmp_path / f"{k}.dcm",
            np.full((3, 4), k),
            ImagePositionPatient=[round(x, 4) for x in 1.0 + 3.0 * k * normal],
            ImageOrientationPatient=[round(x, 4) for x in (*along_row, *along_column)],
        )
    volume = read_dicom_series(tmp_path)
    assert volume.spacing_mm == pytest.approx((3.0, 0.7, 0.5), abs=1e-4)
    lps = 1.0 + 3.0 * 2 * normal + 0.7 * 1 * along_column + 0.5 * 3 * along_row
    found = (volume.affine @ [2, 1, 3, 1])[:3]
    np.testing.assert_allclose(found, lps * [-1, -1, 1], atol=1e-3)


def test_a_stack_that_runs_from_right_to_left_says_so(tmp_path):
    for k in range(3):
        write_ct(
            tmp_path / f"{k}.dcm",
            np.full((3, 4), k),
            ImagePositionPatient=[-30.0 + 2 * k, -20.0, 30.0],
            ImageOrientationPatient=[0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
        )
    volume = read_dicom_series(tmp_path)
    # the normal is (-1, 0, 0) in the patient's system: towards the right, and so is the first axis
    assert volume.orientation == "slices to R, rows to I, columns to P"
    np.testing.assert_array_equal(volume.array[:, 0, 0], [-996, -998, -1000])
    np.testing.assert_allclose(volume.affine[:3, 0], [2, 0, 0], atol=1e-9)
    np.testing.assert_allclose(volume.affine[:3, 3], [26, 20, 30])


# -- a single slice, and the frames of one file ----------------------------------------------------


@pytest.mark.parametrize("thickness", ["", "0", "-2"])
def test_one_slice_without_thickness_is_refused(tmp_path, thickness):
    folder = series(tmp_path / "s", [0.0], SliceThickness=None)
    raw(folder / "99.dcm", "SliceThickness", thickness)
    with pytest.raises(DataError, match=r"single slice with SliceThickness.*or one that states"):
        read_dicom_series(folder)


def test_one_slice_is_as_deep_as_it_says(tmp_path):
    volume = read_dicom_series(series(tmp_path / "s", [0.0], SliceThickness=2.5))
    assert volume.spacing_mm == (2.5, 0.7, 0.5)


def test_the_frames_of_an_enhanced_file_are_slices(tmp_path):
    stored = np.arange(36).reshape(3, 3, 4)
    write_enhanced(tmp_path / "a.dcm", stored)
    volume = read_dicom_series(tmp_path)
    # frame k lies 2 k mm lower and has an intercept smaller by k: sorted upwards, each its own
    expected = [2.0 * stored[k] - 1000 - k for k in (2, 1, 0)]
    np.testing.assert_array_equal(volume.array, expected)
    assert (volume.unit, volume.spacing_mm) == ("HU", (2.0, 0.7, 0.5))
    assert (volume.affine @ [0, 0, 0, 1])[2] == 6


def test_frames_without_places_of_their_own_are_refused(tmp_path):
    write_ct(tmp_path / "a.dcm", np.zeros((6, 4)), NumberOfFrames=2, Rows=3)
    with pytest.raises(DataError, match=r"several frames \(2\) that state no position each"):
        read_dicom_series(tmp_path)


# -- what else lies in the folder ------------------------------------------------------------------


def test_files_that_are_no_images_are_left_aside_and_named(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    (folder / "LICENSE").write_text("CC BY 4.0 " * 40)
    shutil.copy(PYDICOM / "reportsi.dcm", folder / "report.dcm")
    shutil.copy(PYDICOM / "dicomdirtests/DICOMDIR", folder / "DICOMDIR")
    (folder / ".DS_Store").write_text("a desktop's own")
    told = "left aside, for they hold no image: DICOMDIR, LICENSE, report.dcm"
    with pytest.warns(UserWarning, match=told):
        volume = read_dicom_series(folder, note="mine")
    assert volume.array.shape == (3, 3, 4)
    assert volume.note == f"mine; {told}"
    # a run over this folder is stale when any of them changes
    assert [name for name, _ in volume.members] == [
        "97.dcm", "98.dcm", "99.dcm", "DICOMDIR", "LICENSE", "report.dcm"
    ]  # fmt: skip
    assert dict(volume.members)["98.dcm"] == sha256_of_file(folder / "98.dcm")
    assert (volume.path, volume.members_glob) == (folder, "*")


@pytest.mark.parametrize("name", ["97.dcm", "97.IMA", "IM000097"])
@pytest.mark.parametrize("keep", [0, 100, 128, 130, 200, 600, 0.99])
def test_a_damaged_slice_is_never_left_aside(tmp_path, keep, name):
    """Not even the last, whose loss no gap would tell."""
    folder = series(tmp_path / "s", [0.0, 2.5, 5.0])
    whole = (folder / "97.dcm").read_bytes()
    (folder / "97.dcm").unlink()
    cut = keep if isinstance(keep, int) else int(keep * len(whole))
    (folder / name).write_bytes(whole[:cut])
    with pytest.raises(DataError, match=name):
        read_dicom_series(folder)


def test_files_asked_for_by_name_must_all_be_images(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5])
    (folder / "LICENSE").write_text("CC BY 4.0 " * 40)
    with pytest.raises(DataError, match="LICENSE is not a readable DICOM file"):
        read_dicom_series([*folder.glob("*.dcm"), folder / "LICENSE"])
    volume = read_dicom_series(folder.glob("*.dcm"))
    assert [name for name, _ in volume.members] == ["98.dcm", "99.dcm"]
    assert (volume.path, volume.members_glob) == (folder, "")


def test_a_folder_of_folders_names_them(tmp_path):
    series(tmp_path / "axial", [0.0, 2.5])
    with pytest.raises(DataError, match="itself; give one of its folders: axial"):
        read_dicom_series(tmp_path)
    (tmp_path / "README").write_text("nothing here")
    with pytest.raises(DataError, match=r"no DICOM files in .*: README"):
        read_dicom_series(tmp_path)


def test_a_series_in_another_unit_than_asked_for_is_refused(tmp_path):
    folder = series(tmp_path / "s", [0.0, 2.5], Modality="MR")
    with pytest.raises(DataError, match=r"'arbitrary units' \(modality MR\); a series in HU"):
        read_dicom_series(folder, unit="HU")
    assert read_dicom_series(REAL_SERIES, unit="HU").unit == "HU"
