"""The list is short, what stands on it is held against names, and codes mean what they mean."""

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.tag import Tag

from medlib.systems.deidentification.kept_text import (
    MACHINE_TEXT,
    is_code_string,
    is_machine_text,
    is_published_code,
    meanings_of_code,
    names_in,
    numbers_in,
)
from medlib.systems.deidentification.profile import code_of


def test_the_list_is_short_and_not_the_tables():
    assert len(MACHINE_TEXT) < 10
    assert not any(code_of(tag) for tag in MACHINE_TEXT)


@pytest.mark.parametrize(
    ("text", "stays"),
    [("SOMATOM Definition AS+", True), ("B30f", True), ("Doe", False), ("dr. DOE", False),
     ("JaneDoe", False), ("DoeJ", False), ("D o-e", False), ("Ample^Ex", False),
     ("Scan MRN-4711", False), ("mrn 47.11", False), ("4711 1961", True), ("47111", False),
     ("Ng Li", False), ("NgLi", False), ("Li2", False), ("LING7", False), ("Linear", True)],
)  # fmt: skip
def test_what_a_machine_writes(text, stays):
    image = Dataset()
    image.PatientName, image.PatientID, image.OperatorsName = "Doe^Jane", "MRN-4711", "Ng^Li"
    assert is_machine_text(Tag(0x00080070), text, names=names_in(image)) == stays
    assert not is_machine_text(Tag(0x00182127), text, names=())


def test_names_are_found_at_depth():
    image, item = Dataset(), Dataset()
    item.OperatorsName, item.PatientID = ["Ample^Ex", "van Sample"], "MR-12"
    image.ReferencedSeriesSequence = [item]
    assert names_in(image) == {"ample", "ex", "van", "sample", "mr12"}


def test_numbers_and_dates_are_found_at_depth():
    image, item = Dataset(), Dataset()
    image.PatientID, image.OtherPatientIDs = "0012-34", ["A 7", "B8"]
    item.AcquisitionDateTime, item.AccessionNumber = "20240503112233", "X-1"
    image.ReferencedSeriesSequence = [item]
    ids, dates = numbers_in(image)
    assert ids == {"001234", "1234", "a7", "b8", "x1"}
    assert dates == {"20240503"}


@pytest.mark.parametrize("text", ["a", "A^B", "X" * 17, "M\u00dcLLER"])
def test_no_code_strings(text):
    assert not is_code_string(text)


def test_meanings_against_pydicoms_own_look_up():
    for code in (codes.DCM.Finding, codes.SCT.Liver, codes.UCUM.Millimeter):
        assert code.meaning in meanings_of_code(code.scheme_designator, code.value)
        assert is_published_code(code.scheme_designator, code.value)
    assert not is_published_code("UCUM", "Doe")


def test_no_code_is_a_number_or_a_date_of_the_header():
    assert is_published_code("DCM", "121071", numbers={"471147"})
    assert not is_published_code("DCM", "121071", numbers={"121071"})
    assert not is_published_code("LN", "18747-6", numbers={"187476"})
    assert is_published_code("UCUM", "1", numbers={"1"}), "a short one is equal by chance"


@pytest.mark.parametrize("value", ["471147", "000000", "999999"])
def test_a_code_of_dicom_must_be_on_the_list(value):
    assert not is_published_code("DCM", value)
