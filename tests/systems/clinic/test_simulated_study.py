"""A simulated series is a series: sorted, spaced, valid, and somebody's."""

from datetime import datetime

import numpy as np
import pytest
from pydicom import dcmwrite

from medlib.systems.clinic.dicom_validation import validate
from medlib.systems.clinic.simulated_head import Head
from medlib.systems.clinic.simulated_study import Patient, as_series, identities
from tests.systems.clinic.conftest import ERIKA, PAUL, head, study


def test_values_and_places_are_those_of_the_head():
    one, series = head(), study()
    stored = np.stack([each.pixel_array for each in series])
    assert np.array_equal(stored, np.rint(one.volume * 1000))
    places = np.array([each.ImagePositionPatient for each in series], float)
    assert np.allclose(np.diff(places[:, 2]), 5)
    assert np.ptp(places[:, :2]) > 0
    centre = places[0, :2] + np.array([(22 - 1) / 2, (25 - 1) / 2]) * 2
    assert np.allclose(centre, 0)


def test_uids_follow_from_patient_and_order_alone():
    assert [x.SOPInstanceUID for x in study(0)] == [x.SOPInstanceUID for x in study(1)]
    uids = {
        uid
        for series in (study(), study(patient=PAUL), study(accession="A2"))
        for one in series
        for uid in (one.SOPInstanceUID, one.SeriesInstanceUID, one.StudyInstanceUID)
    }
    assert len(uids) == 3 * (8 + 2)


def test_what_identifies_is_in_it(tmp_path):
    dcmwrite(tmp_path / "one.dcm", study()[0], enforce_file_format=True)
    written = (tmp_path / "one.dcm").read_bytes()
    assert all(word.encode() in written for word in identities(ERIKA, "A1"))


def test_an_outside_validator_finds_no_error(tmp_path):
    when = datetime(2024, 1, 2, 3, 4, 5)
    series = as_series(head(), patient=Patient(), accession="A1", when=when)
    assert series[0].StudyDate == "20240102"
    assert series[0].StudyTime == "030405"
    dcmwrite(tmp_path / "one.dcm", series[0], enforce_file_format=True)
    assert validate(tmp_path / "one.dcm").errors == ()


def test_other_steps_are_refused():
    with pytest.raises(ValueError, match=r"3\.0 mm apart"):
        as_series(Head(head().volume, head().lesions, (3.0, 2.0, 2.0)), patient=ERIKA, accession="")
