"""Headers that disagree are told apart, and quoted only where they can name nobody."""

import pytest
from pydicom.config import disable_value_validation

from medlib.systems.clinic.header_checks import (
    MODALITIES,
    header_faults,
    pixel_faults,
    same_everywhere,
)
from tests.systems.clinic.conftest import study


def faults(images):
    return [fault for fault, _ in header_faults(images, modality="MR")]


def test_a_series_as_it_should_be():
    images = study()
    assert faults(images) == []
    assert [*pixel_faults(images), *same_everywhere(images)] == []


def test_a_name_written_otherwise_is_the_same_name():
    images = study()
    images[2].PatientName = "MUSTER^ERIKA^"
    images[3].PatientID = images[3].PatientID + " "
    assert faults(images) == []


@pytest.mark.parametrize("word", ["CT", "MUSTER"])
def test_only_modalities_are_quoted(word):
    images = study()
    with disable_value_validation():
        images[0].Modality = word
        ((_, text),) = header_faults(images, modality="MR")
    assert (word in text) == (word in MODALITIES)


def test_sentences_name_nobody():
    images = study()
    images[1].PatientName, images[1].PatientID = "Probe^Paul", "0027182"
    ((fault, text),) = header_faults(images, modality="MR")
    assert fault == "another patient"
    assert text == "8 images differ in PatientID, PatientName: which are right?"


def test_bytes_are_counted():
    images = study()
    images[1].PixelData = images[1].PixelData[:-2]
    del images[2].Rows
    assert [text for _, text in pixel_faults(images)] == [
        "2 of 8 images hold other than the bytes that their headers speak of"
    ]
    images = study()
    images[1].SOPInstanceUID = images[0].SOPInstanceUID
    assert [fault for fault, _ in same_everywhere(images)] == ["one name, two images"]
