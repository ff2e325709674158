"""A report that lacks anything that the template asks for is found out."""

import copy
from datetime import datetime

import numpy as np
import pytest

from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.report_template import faults_of_template, read_report
from medlib.systems.clinic.segmentation_object import segmentation_object
from medlib.systems.clinic.structured_report import Measured, structured_report
from tests.systems.clinic.conftest import KEY, study

IMAGES = study()
STAMP = Stamp(KEY, str(IMAGES[0].StudyInstanceUID), datetime(2024, 5, 3, 10, 30))
BY = ("threshold", "1")
SEG = segmentation_object(
    IMAGES, np.ones((8, 25, 22), dtype=bool), step_mm=5, stamp=STAMP, algorithm=BY
)


def report(measured, parts, threshold=0.5):
    return structured_report(
        IMAGES, SEG, measured, stamp=STAMP, algorithm=BY, threshold=threshold, contributions=parts
    )


GOOD = report(
    Measured(1.5, 2, 0.75), {"offset": -0.2, "surest voxels": 1.6986, "expected size": -0.4}
)


def without(item, code):
    """Remove the first item of that code, wherever it stands; whether there was one."""
    below = item.get("ContentSequence", [])
    for place, one in enumerate(below):
        if one.ConceptNameCodeSequence[0].CodeValue == code:
            del below[place]
            return True
        if without(one, code):
            return True
    return False


def item_of(item, code):
    """The first item of that code, at any depth; None if there is none."""
    for one in item.get("ContentSequence", []):
        if one.ConceptNameCodeSequence[0].CodeValue == code:
            return one
        if (found := item_of(one, code)) is not None:
            return found
    return None


def test_ours_lacks_nothing():
    assert faults_of_template(GOOD) == []


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("121049", "the root lacks a language"),
        ("121005", "the root lacks an observer"),
        ("121058", "the root lacks the procedure"),
        ("111028", "the root lacks a library of images"),
        ("126010", "the root lacks imaging measurements"),
        ("112039", "group 1 lacks an identifier to track it by"),
        ("112040", "group 1 lacks a UID to track it by"),
        ("121071", "group 1 lacks a finding"),
        ("111012", "the report says what was added to the log-odds, but not the certainty"),
        ("121191", "group 2 has a volume, but not the segment"),
        ("121232", "group 2 has a volume, but not the segment or the series"),
    ],
)
def test_what_is_missing_is_named(code, fault):
    broken = copy.deepcopy(GOOD)
    assert without(broken, code)
    found = faults_of_template(broken)
    assert found[0].startswith(fault)
    assert len(found) == 1


def test_wrong_title_template_unit_and_evidence_are_named():
    broken = copy.deepcopy(GOOD)
    broken.ConceptNameCodeSequence[0].CodeValue = "126001"
    assert "no container" in faults_of_template(broken)[0]
    broken = copy.deepcopy(GOOD)
    broken.ContentTemplateSequence[0].TemplateIdentifier = "2000"
    assert faults_of_template(broken) == ["the root does not name template 1500"]
    broken = copy.deepcopy(GOOD)
    for item in broken.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence:
        item.ReferencedSOPSequence = item.ReferencedSOPSequence[1:]
    assert faults_of_template(broken) == ["an object that is named is not in the evidence"]
    broken = copy.deepcopy(GOOD)
    certainty = item_of(broken, "111012")
    certainty.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "1"
    assert faults_of_template(broken) == ["group 1 measures Certainty of Finding in 1"]


def test_a_report_that_contradicts_itself_is_named():
    parts = {"offset": 0.0, "surest voxels": 1.7, "expected size": -0.4}
    assert faults_of_template(report(Measured(1.5, 2, 0.7858), parts)) == []
    (found,) = faults_of_template(report(Measured(1.5, 2, 0.10), parts, threshold=0.05))
    assert found == "what was added gives 78.58 %, the certainty is 10.00 %"
    del parts["offset"]
    (found,) = faults_of_template(report(Measured(1.5, 2, 0.7858), parts))
    assert "not to which offset" in found
    (found,) = faults_of_template(report(Measured(2.42, 77, 0.10), None))
    assert found == "a lesion is absent, and the number of lesions is 77"
    (found,) = faults_of_template(report(Measured(0.0, 0, 0.9), None))
    assert found == "a lesion is present, and the number of lesions is 0"
    assert faults_of_template(report(Measured(0.0, 0, 0.1), None)) == []


@pytest.mark.parametrize(("p", "word"), [(0.1, "absent"), (0.9, "present")])
def test_a_finding_that_says_the_contrary_is_named(p, word):
    """As reports had it that named what was looked for, found or not."""
    broken, other = (report(Measured(q, round(q), q), None) for q in (p, 1 - p))
    assert faults_of_template(broken) == []
    finding, contrary = (item_of(one, "121071") for one in (broken, other))
    finding.ConceptCodeSequence = contrary.ConceptCodeSequence
    (found,) = faults_of_template(broken)
    assert found.startswith(f"a lesion is {word}, and a coded finding is ")


def test_it_is_read_by_codes():
    assert read_report(GOOD) == Measured(1.5, 2, 0.75)
    broken = copy.deepcopy(GOOD)
    assert without(broken, "246206008")
    with pytest.raises(ValueError, match="246206008"):
        read_report(broken)
