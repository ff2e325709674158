"""Every planted fault is mended or refused, for the right reason, whatever the order of arrival."""

import copy

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.config import disable_value_validation

from medlib.systems.clinic.intake import Rules, take_in
from medlib.systems.clinic.planted_faults import FAULTS, plant
from medlib.systems.clinic.server_or_files import digest_of_dataset
from medlib.systems.clinic.simulated_study import identities
from tests.systems.clinic.conftest import ERIKA, PAUL, head, study

OTHER = study(1, patient=PAUL, accession="A2")
EXPECTED = {
    "none": [],
    "wrong modality": [("wrong modality", "refused")],
    "missing spacing": [("missing spacing", "refused")],
    "duplicate": [("duplicate", "mended")],
    "half a series": [("missing slices", "refused"), ("too few slices", "refused")],
    "a slice missing": [("missing slices", "refused"), ("missing slices", "refused"),
                        ("too few slices", "refused")],
    "another patient's slice": [("another patient", "refused")],
    "MONOCHROME1": [("negative", "mended")],
    "compressed": [("compressed", "mended")],
    "lossy compression": [("lossy", "refused")],
    "lossy, not said": [("lossy syntax", "refused")],
}  # fmt: skip


def verdict(found):
    return [(reason.fault, reason.done) for reason in found.reasons]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_verdict_and_what_is_mended_is_right(fault):
    images = plant(fault, study(), other=OTHER)
    before = [digest_of_dataset(one) for one in images]
    found = take_in(images, rules=Rules())
    assert verdict(found) == EXPECTED[fault]
    assert [digest_of_dataset(one) for one in images] == before
    if not found.refused:
        assert np.array_equal(found.volume, np.rint(head().volume * 1000))
        assert np.allclose(found.spacing_mm, (5, 2, 2))
        assert {one.SOPInstanceUID for one in found.images} <= {
            one.SOPInstanceUID for one in images
        }
    else:
        assert found.images == ()


@settings(max_examples=15)
@given(order=st.permutations(range(9)), fault=st.sampled_from(["duplicate", "MONOCHROME1", "none"]))
def test_the_order_of_arrival_changes_nothing(order, fault):
    images = plant(fault, study(), other=OTHER)
    shuffled = [images[i] for i in order if i < len(images)]
    one, other = (take_in(each, rules=Rules()) for each in (images, shuffled))
    assert one.reasons == other.reasons
    assert [x.SOPInstanceUID for x in one.images] == [x.SOPInstanceUID for x in other.images]


def test_no_reason_names_anybody():
    words = [*identities(ERIKA, "A1"), *identities(PAUL, "A2")]
    for fault in FAULTS:
        for reason in take_in(plant(fault, study(), other=OTHER), rules=Rules()).reasons:
            assert not [word for word in words if word in reason.text + reason.fault]


def changed(**values):
    """The series, its third image changed."""
    images = study()
    for name, value in values.items():
        if value is None:
            delattr(images[2], name)
        else:
            setattr(images[2], name, value)
    return images


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.9, 0.1]}, "mixed series"),
        ({"ImagePositionPatient": None}, "no place"),
        ({"PixelSpacing": [2, 3]}, "mixed series"),
        ({"PixelSpacing": [2, 0]}, "missing spacing"),
        ({"PixelSpacing": ["2", "nan"]}, "missing spacing"),
        ({"SeriesInstanceUID": "1.2.3"}, "mixed series"),
        ({"StudyInstanceUID": "1.2.3"}, "mixed series"),
        ({"EchoTime": 20}, "mixed series"),
        ({"PatientName": "Probe^Paul"}, "another patient"),
        ({"PatientBirthDate": "19400101"}, "another patient"),
        ({"RescaleSlope": 2}, "rescaled"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "half a negative"),
        ({"PixelData": bytes(100)}, "damaged"),
        ({"NumberOfFrames": 2}, "no grey image"),
        ({"file_meta": None}, "damaged"),
        ({"PhotometricInterpretation": "RGB"}, "no grey image"),
        ({"PixelData": None}, "no grey image"),
    ],
)
def test_other_faults_are_refused_too(values, fault):
    with disable_value_validation():
        found = take_in(changed(**values), rules=Rules())
    assert fault in [reason.fault for reason in found.refused]


def test_two_images_at_one_place_with_other_pixels_are_refused():
    images = study()
    again = copy.deepcopy(images[0])
    again.SOPInstanceUID += "1"
    again.PixelData = images[1].PixelData
    assert verdict(take_in([*images, again], rules=Rules()))[0] == ("two at one place", "refused")


def test_a_tilted_gantry_is_refused():
    images = study()
    for k, one in enumerate(images):
        x, y, z = map(float, one.ImagePositionPatient)
        one.ImagePositionPatient = [x, y + 2 * k, z]
    assert "sheared" in [reason.fault for reason in take_in(images, rules=Rules()).refused]


def test_half_a_series_without_a_stated_number_is_known_by_its_size_alone():
    images = study()
    for one in images:
        del one.ImagesInAcquisition
    assert take_in(images[:4], rules=Rules(least_slices=4)).refused == ()  # what no header tells
    (reason,) = take_in(images[:4], rules=Rules()).refused
    assert reason.fault == "too few slices"


def test_a_negative_of_signed_values_is_turned_about_its_own_ends():
    images = study()
    for one in images:
        one.PixelRepresentation, one.PhotometricInterpretation = 1, "MONOCHROME1"
        one.PresentationLUTShape = "INVERSE"
        one.PixelData = (-1 - one.pixel_array.astype("<i2")).astype("<i2").tobytes()
    found = take_in(images, rules=Rules())
    assert np.array_equal(found.volume, np.rint(head().volume * 1000))
    assert {one.PresentationLUTShape for one in found.images} == {"IDENTITY"}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"PixelSpacing": [0.5, 0.5]}, "another size"),
        ({"PixelSpacing": [2, 1]}, "another size"),
        ({"SpacingBetweenSlices": 1}, "missing slices"),
        ({"ImageOrientationPatient": [0] * 6}, "no place"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no place"),
        ({"FrameOfReferenceUID": None}, "no UID"),
        ({"SeriesInstanceUID": ""}, "no UID"),
        ({"RescaleSlope": -1}, "rescaled"),
        ({"LossyImageCompressionRatio": "12"}, "lossy"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "derived"),
        ({"PresentationLUTShape": "INVERSE"}, "half a negative"),
    ],
)
def test_faults_of_a_whole_series_are_refused(values, fault):
    images = study()
    with disable_value_validation():
        for one in images:
            for name, value in values.items():
                if value is None:
                    delattr(one, name)
                else:
                    setattr(one, name, value)
        found = take_in(images, rules=Rules())
    assert fault in [reason.fault for reason in found.refused]


@pytest.mark.parametrize("syntax", ["JPEGLSNearLossless", "JPEG2000", "HTJ2K", "MPEG2MPML"])
def test_a_syntax_that_may_lose_is_refused_by_its_name_whatever_the_header_says(syntax):
    images = study()
    for one in images:
        one.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    (reason,) = take_in(images, rules=Rules()).refused
    assert reason.fault == "lossy syntax"
    assert f"8 of 8 images came in {getattr(pydicom.uid, syntax).name}, which" in reason.text
    assert "send them uncompressed, or in a lossless syntax" in reason.text


@pytest.mark.parametrize("syntax", ["RLELossless", "JPEGLSLossless"])
def test_lossless_syntaxes_stay_accepted(syntax):
    images = study()
    for one in images:
        one.compress(getattr(pydicom.uid, syntax), generate_instance_uid=False)
    found = take_in(images, rules=Rules())
    assert verdict(found) == [("compressed", "mended")]
    assert np.array_equal(found.volume, np.rint(head().volume * 1000))


def test_thickness_decides_nothing():
    for thickness in (1.0, None):
        images = study()
        for one in images:
            one.SliceThickness = thickness
        assert take_in(images, rules=Rules()).reasons == ()


def test_one_uid_for_all_is_refused():
    images = study()
    for one in images:
        one.SOPInstanceUID = images[0].SOPInstanceUID
    assert "one name, two images" in [one.fault for one in take_in(images, rules=Rules()).refused]


def test_a_modality_that_is_none_is_not_quoted():
    images = study()
    with disable_value_validation():
        for one in images:
            one.Modality = "MUSTER ERIKA"
        (reason,) = take_in(images, rules=Rules()).refused
    assert reason.text == "modality not stated or unknown; the networks read MR"


def test_damaged_code_is_refused():
    images = plant("compressed", study(), other=OTHER)
    images[0].PixelData = images[0].PixelData[:60]
    assert [reason.fault for reason in take_in(images, rules=Rules()).refused] == ["damaged"]


def test_no_images_are_told():
    with pytest.raises(ValueError, match="no images"):
        take_in([], rules=Rules())
