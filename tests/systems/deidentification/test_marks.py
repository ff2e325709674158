"""Codes have the standard's names, and say what was done."""

import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes

from medlib.systems.deidentification.burned_in import Rectangle
from medlib.systems.deidentification.marks import METHODS, mark_deidentified
from medlib.systems.deidentification.options import Options

ALWAYS = {"113100", "113103"}


@pytest.mark.parametrize("code", METHODS)
def test_names_are_pydicoms(code):
    known = [getattr(codes.CID7050, each) for each in codes.CID7050.dir()]
    assert (code, METHODS[code]) in {(each.value, each.meaning) for each in known}


@pytest.mark.parametrize(
    ("options", "more", "dates"),
    [
        ({}, set(), "REMOVED"),
        ({"dates": "shift"}, {"113107"}, "MODIFIED"),
        ({"rectangles": (Rectangle(0, 0, 1, 1),)}, {"113101"}, "REMOVED"),
        ({"structured_text": True}, {"113104"}, "REMOVED"),
        ({"descriptor_words": frozenset({"ct"})}, {"113105"}, "REMOVED"),
        ({"pixels_inspected": True}, set(), "REMOVED"),
    ],
)
def test_what_was_done_is_said(options, more, dates):
    dataset = Dataset()
    dataset.DeidentificationMethod = "by Mrs Example"
    mark_deidentified(dataset, Options(**options))
    found = {item.CodeValue for item in dataset.DeidentificationMethodCodeSequence}
    assert found == ALWAYS | more
    assert dataset.LongitudinalTemporalInformationModified == dates
    assert dataset.PatientIdentityRemoved == "YES"
    assert "Example" not in str(dataset)
