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
)
from medlib.systems.deidentification.profile import code_of


def test_the_list_is_short_and_not_the_tables():
    assert len(MACHINE_TEXT) < 10
    assert not any(code_of(tag) for tag in MACHINE_TEXT)


@pytest.mark.parametrize(
    ("text", "stays"),
    [("SOMATOM Definition AS+", True), ("B30f", True), ("Doe", False), ("dr. DOE", False),
     ("Doeblin", True), ("Ample^Ex", False), ("4711 1961", True), ("47111", False)],
)  # fmt: skip
def test_what_a_machine_writes(text, stays):
    assert is_machine_text(Tag(0x00080070), text, names={"doe"}) == stays
    assert not is_machine_text(Tag(0x00182127), text, names=())


def test_names_are_found_at_depth():
    image, item = Dataset(), Dataset()
    item.OperatorsName, item.PatientID = ["Ample^Ex", "van Sample"], "MR-12"
    image.ReferencedSeriesSequence = [item]
    assert names_in(image) == {"ample", "van", "sample", "mr-12"}


@pytest.mark.parametrize("text", ["a", "A^B", "X" * 17, "M\u00dcLLER"])
def test_no_code_strings(text):
    assert not is_code_string(text)


def test_meanings_against_pydicoms_own_look_up():
    for code in (codes.DCM.Finding, codes.SCT.Liver, codes.UCUM.Millimeter):
        assert code.meaning in meanings_of_code(code.scheme_designator, code.value)
        assert is_published_code(code.scheme_designator, code.value)
    assert not is_published_code("UCUM", "Doe")
