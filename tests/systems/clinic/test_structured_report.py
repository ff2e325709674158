"""What is reported is what was measured, and another program can read it."""

from datetime import datetime

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite

from medlib.systems.clinic.dicom_validation import validate
from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.report_template import (
    contributions_in,
    faults_of_template,
    image_of_evidence,
    read_report,
)
from medlib.systems.clinic.segmentation_object import segmentation_object
from medlib.systems.clinic.server_or_files import digest_of_dataset
from medlib.systems.clinic.structured_report import (
    OWN_CODES,
    Measured,
    measure,
    structured_report,
)
from medlib.systems.deidentification.deidentify import deidentify
from tests.systems.clinic.conftest import KEY, study

IMAGES = [deidentify(one, key=KEY).dataset for one in study()]
STAMP = Stamp(KEY, str(IMAGES[0].StudyInstanceUID), datetime(2024, 5, 3, 10, 30))
BY = ("threshold", "1")
MASK = np.zeros((8, 25, 22), dtype=bool)
MASK[3:5, 8:12, 5:10] = True
SEG = segmentation_object(IMAGES, MASK, step_mm=5, stamp=STAMP, algorithm=BY)


def report(measured, threshold=0.5):
    return structured_report(IMAGES, SEG, measured, stamp=STAMP, algorithm=BY, threshold=threshold)


def test_volume_and_number_are_those_of_the_mask():
    found = measure(MASK, spacing_mm=(5, 2, 2), probability=0.9)
    assert found == Measured(40 * 20 / 1000, 1, 0.9)


def test_it_says_what_was_measured_to_whoever_reads_it(tmp_path):
    wanted = Measured(0.8, 3, 0.1234)
    dcmwrite(tmp_path / "report.dcm", report(wanted), enforce_file_format=True)
    assert read_report(dcmread(tmp_path / "report.dcm")) == wanted
    assert validate(tmp_path / "report.dcm").errors == ()


def test_the_library_that_reads_reports_finds_the_segment():
    from highdicom.sr import MeasurementReport

    found = report(Measured(0.8, 1, 0.9))
    content = MeasurementReport.from_sequence([found])
    (group,) = content.get_volumetric_roi_measurement_groups()
    assert group.referenced_segment.referenced_sop_instance_uid == SEG.SOPInstanceUID
    values = {one.name.value: one.value for one in group.get_measurements()}
    assert values == {"118565006": 0.8, "246206008": 1}


def test_it_says_what_the_certainty_rests_on(tmp_path):
    parts = {"offset": 1.4472, "surest voxels": 1.25, "expected size": -0.5}
    found = structured_report(
        IMAGES, SEG, Measured(0.8, 1, 0.9), stamp=STAMP, algorithm=BY, threshold=0.5, rests_on=3,
        contributions=parts,
    )  # fmt: skip
    dcmwrite(tmp_path / "report.dcm", found, enforce_file_format=True)
    assert image_of_evidence(dcmread(tmp_path / "report.dcm")) == str(IMAGES[3].SOPInstanceUID)
    assert validate(tmp_path / "report.dcm").errors == ()
    assert faults_of_template(found) == []
    assert contributions_in(dcmread(tmp_path / "report.dcm")) == parts
    assert contributions_in(report(Measured(0.8, 1, 0.9))) == {}
    assert image_of_evidence(report(Measured(0.8, 1, 0.9))) is None
    with pytest.raises(ValueError, match="there are 8 images"):
        structured_report(
            IMAGES, SEG, Measured(0.8, 1, 0.9), stamp=STAMP, algorithm=BY, threshold=0.5, rests_on=8
        )


def test_runs_are_alike_and_answers_are_not():
    one, other = report(Measured(0.8, 1, 0.9)), report(Measured(0.8, 1, 0.9))
    assert digest_of_dataset(one) == digest_of_dataset(other)
    assert digest_of_dataset(one) != digest_of_dataset(report(Measured(0.8, 1, 0.91)))


@pytest.mark.parametrize(("threshold", "word"), [(0.5, "Present"), (0.95, "Absent")])
def test_the_finding_follows_from_the_threshold(threshold, word):
    found = str(report(Measured(0.8, 1, 0.9), threshold))
    other = {"Present": "272519000", "Absent": "52101004"}[word]
    assert {"Present": "52101004", "Absent": "272519000"}[word] in found
    assert other not in found


@pytest.mark.parametrize("present", [True, False])
def test_no_finding_names_what_is_absent(tmp_path, present):
    """Whoever collects coded findings, by any group, collects what is there."""
    measured = Measured(0.8, 1, 0.9) if present else Measured(0.0, 0, 0.1)
    dcmwrite(tmp_path / "report.dcm", report(measured), enforce_file_format=True)
    found = dcmread(tmp_path / "report.dcm")

    def coded(item, name):
        for below in item.get("ContentSequence", ()):
            if below.ConceptNameCodeSequence[0].CodeValue == name:
                yield below.ConceptCodeSequence[0].CodeMeaning
            yield from coded(below, name)

    hyperintensity, asked = "White Matter T2 Hyperintensity", "110702"
    assert list(coded(found, "121071")) == [hyperintensity if present else "Absent"] * 2
    assert list(coded(found, asked)) == ["Present" if present else "Absent"]
    assert faults_of_template(found) == []
    assert validate(tmp_path / "report.dcm").errors == ()


def test_codes_follow_from_meaning_and_not_from_order():
    def codes(*names):
        found = structured_report(
            IMAGES, SEG, Measured(0.8, 1, 0.5), stamp=STAMP, algorithm=BY, threshold=0.5,
            contributions=dict.fromkeys(names, 0.0),
        )  # fmt: skip
        return {name: OWN_CODES[name] in str(found) for name in OWN_CODES}

    assert codes("expected size", "offset") == {
        "offset": True, "surest voxels": False, "expected size": True
    }  # fmt: skip
    with pytest.raises(ValueError, match="'luck' has no code"):
        codes("luck")


def test_no_probability_is_told():
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        report(Measured(0.8, 1, 1.2))
