"""DICOM images: real ones of pydicom's wheel, and tiny ones written here."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_rescale, pixel_array

from data_fetch.errors import DataError
from data_fetch.readers import read_dicom
from tests.data_fetch.readers.slices import PYDICOM, STORED, raw, write_ct, write_enhanced


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


# -- values ----------------------------------------------------------------------------------------


def test_enhanced_ct_is_rescaled_by_its_functional_groups(tmp_path):
    ct = read_dicom(write_enhanced(tmp_path / "a.dcm", STORED[None]))
    np.testing.assert_array_equal(ct.array, 2.0 * STORED - 1000)
    assert (ct.unit, ct.spacing_mm) == ("HU", (0.7, 0.5))
    np.testing.assert_allclose(ct.affine[:3, 3], [0, 0, 10])


@pytest.mark.parametrize("removed", ["RescaleSlope", "RescaleIntercept", "both"])
def test_ct_that_does_not_say_how_to_reach_hu_is_refused(tmp_path, removed):
    both = ("RescaleSlope", "RescaleIntercept")
    changes = dict.fromkeys(both if removed == "both" else [removed])
    says = "CT without RescaleSlope" if removed == "both" else "how its values are scaled"
    with pytest.raises(DataError, match=says):
        read_dicom(write_ct(tmp_path / "a.dcm", STORED, **changes))


def test_enhanced_ct_without_any_rescale_is_refused(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", STORED[None])
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence
    dataset.save_as(path)
    with pytest.raises(DataError, match="CT without RescaleSlope"):
        read_dicom(path)


@pytest.mark.parametrize("slope", [0, "nan", "inf", "1\\2", "1,5", "two"])
def test_a_slope_that_is_no_number_or_zero_is_refused(tmp_path, slope):
    path = write_ct(tmp_path / "a.dcm", STORED)
    with pytest.raises(DataError, match=r"a\.dcm.*RescaleSlope"):
        read_dicom(raw(path, "RescaleSlope", str(slope)))


def test_mr_without_rescale_keeps_its_stored_values_and_claims_no_unit(tmp_path):
    bare = {"Modality": "MR", "RescaleSlope": None, "RescaleIntercept": None}
    mr = read_dicom(write_ct(tmp_path / "a.dcm", STORED, **bare))
    np.testing.assert_array_equal(mr.array, STORED)
    assert mr.unit == "arbitrary units"


@pytest.mark.parametrize(
    ("changes", "unit"),
    [
        ({"RescaleType": "HU"}, "HU"),
        ({"RescaleType": "MGML"}, "MGML"),
        ({"RescaleType": "US"}, "unspecified"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "unspecified"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}, "HU"),
        ({"Modality": "PT", "Units": "BQML"}, "BQML"),
        ({"Modality": None}, "stored value"),
    ],
)
def test_only_hounsfield_units_are_called_so(tmp_path, changes, unit):
    assert read_dicom(write_ct(tmp_path / "a.dcm", STORED, **changes)).unit == unit


def write_with_table(path, stored, *, first, values, kind="OD", **changes):
    table = pydicom.Dataset()
    table.LUTDescriptor = [len(values), first, 16]
    table.ModalityLUTType = kind
    table.add_new("LUTData", "OW", np.array(values, "<u2").tobytes())
    table["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    bare = {"RescaleSlope": None, "RescaleIntercept": None, "ModalityLUTSequence": [table]}
    return write_ct(path, stored, **bare | changes)


@pytest.mark.parametrize("first", [0, 100, -200])
def test_a_modality_table_is_applied(tmp_path, first):
    """PS3.3 C.11.1.1: the first entry is for `first` and all below, the last for all above."""
    table = [7, 70, 700, 7000]
    stored = np.array([[-32768, first - 1, first], [first + 1, first + 3, 32767]])
    made = write_with_table(tmp_path / "a.dcm", stored, first=first, values=table, Modality="CR")
    read = read_dicom(made)
    np.testing.assert_array_equal(read.array, [[7, 7, 7], [70, 7000, 7000]])
    assert read.unit == "OD"


@pytest.mark.parametrize(("kind", "unit"), [("US", "value of its Modality LUT"), ("HU", "HU")])
def test_ct_with_a_table_is_in_the_units_of_the_table(tmp_path, kind, unit):
    made = write_with_table(tmp_path / "a.dcm", STORED, first=0, values=[1, 2], kind=kind)
    assert read_dicom(made).unit == unit


def test_a_table_beside_a_slope_and_a_broken_table_are_refused(tmp_path):
    both = {"RescaleSlope": 1, "RescaleIntercept": 0}
    made = write_with_table(tmp_path / "a.dcm", STORED, first=0, values=[1, 2], **both)
    with pytest.raises(DataError, match=r"a Modality LUT; a slope .* or a table, is needed"):
        read_dicom(made)
    made = write_with_table(tmp_path / "b.dcm", STORED, first=0, values=[1, 2])
    dataset = pydicom.dcmread(made)
    dataset.ModalityLUTSequence[0].LUTDescriptor = [9, 0, 16]
    dataset.save_as(made)
    with pytest.raises(DataError, match=r"the Modality LUT of .* cannot be used"):
        read_dicom(made)


def test_palette_indices_are_no_intensities(tmp_path):
    with pytest.raises(DataError, match=r"PALETTE COLOR.*places in a table of colours"):
        read_dicom(PYDICOM / "examples_palette.dcm")
    path = write_ct(tmp_path / "a.dcm", STORED, PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(DataError, match="PALETTE COLOR"):
        read_dicom(path)


def test_bits_beside_the_value_are_no_part_of_it(tmp_path):
    twelve = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    ct = read_dicom(write_ct(tmp_path / "a.dcm", STORED | 0x7000, **twelve))
    np.testing.assert_array_equal(ct.array, 2.0 * STORED - 1000)
    with pytest.raises(DataError, match=r"HighBit is 15 with 12 bits stored.*has 11"):
        read_dicom(write_ct(tmp_path / "b.dcm", STORED << 4, **twelve | {"HighBit": 15}))


def test_a_negative_says_that_it_is_one(tmp_path):
    path = write_ct(tmp_path / "a.dcm", STORED, PhotometricInterpretation="MONOCHROME1")
    assert read_dicom(path, note="mine").note == "mine; low values are shown bright"


# -- geometry --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("PixelSpacing", "0.5"),
        ("PixelSpacing", "0.5\\0.5\\0.5"),
        ("PixelSpacing", "0,5\\0,5"),
        ("PixelSpacing", "0.5,0.5"),
        ("PixelSpacing", "nan\\nan"),
        ("PixelSpacing", "inf\\1"),
        ("PixelSpacing", "-0.5\\0.5"),
        ("PixelSpacing", "0.5\\"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\1"),
        ("ImageOrientationPatient", "0\\0\\0\\0\\0\\0"),
        ("ImageOrientationPatient", "1\\0\\0\\1\\0\\0"),
        ("ImageOrientationPatient", "2\\0\\0\\0\\1\\0"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\nan\\0"),
        ("ImagePositionPatient", "1\\2"),
        ("ImagePositionPatient", "1\\2\\nan"),
        ("SliceThickness", "thin"),
        ("NumberOfFrames", "0"),
        ("NumberOfFrames", "one"),
    ],
)
def test_a_header_that_breaks_the_standard_is_one_clear_line(tmp_path, keyword, text):
    path = raw(write_ct(tmp_path / "a.dcm", STORED), keyword, text)
    with pytest.raises(DataError, match=rf"a\.dcm.*{keyword} is") as caught:
        read_dicom(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImageOrientationPatient"])
def test_an_empty_element_is_as_good_as_none(tmp_path, keyword):
    ct = read_dicom(raw(write_ct(tmp_path / "a.dcm", STORED), keyword, ""))
    assert ct.affine is None


def test_directions_rounded_to_three_decimals_are_accepted(tmp_path):
    turn = np.deg2rad(33)
    six = np.round([np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0], 3)
    ct = read_dicom(write_ct(tmp_path / "a.dcm", STORED, ImageOrientationPatient=list(six)))
    assert ct.affine is not None


# -- what is advised can be done -------------------------------------------------------------------


@pytest.mark.parametrize("file", ["no_meta.dcm", "README.txt", "rtstruct.dcm"])
def test_nobody_is_told_to_force(file):
    with pytest.raises(DataError, match="no mark DICM at byte 128") as caught:
        read_dicom(PYDICOM / file)
    assert "force" not in str(caught.value)


def test_only_a_compressed_file_is_to_be_uncompressed(tmp_path):
    path = write_ct(tmp_path / "a.dcm", STORED, Rows=50)
    with pytest.raises(DataError, match="cannot be decoded") as caught:
        read_dicom(path)
    assert "gdcmconv" not in str(caught.value)


def test_several_frames_are_read_as_a_series_only(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", np.stack([STORED, STORED]))
    with pytest.raises(DataError, match=r"several frames \(2\).*read_dicom_series"):
        read_dicom(path)


def test_an_image_that_says_neither_grey_nor_colour_is_refused(tmp_path):
    path = write_ct(tmp_path / "a.dcm", STORED, PhotometricInterpretation=None)
    with pytest.raises(DataError, match="states no PhotometricInterpretation"):
        read_dicom(path)
