"""A step alone: what it needs, what it leaves, and what it does not know."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from medlib.systems.clinic.journal import Journal
from medlib.systems.clinic.own_uids import digest_of_set, shift_of
from medlib.systems.clinic.pipeline import Pipeline
from medlib.systems.clinic.server_or_files import archive_in
from medlib.systems.clinic.steps import STEPS, WITH_IDENTITY, Steps
from medlib.systems.deidentification.keyed_values import keyed_uid
from tests.systems.clinic.conftest import ERIKA, KEY, READERS, study


@pytest.fixture
def steps(tmp_path):
    images, archive = study(), archive_in(tmp_path / "archive")
    archive.store(images)
    of = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY)
    uid = str(images[0].StudyInstanceUID)
    name = keyed_uid(uid, key=KEY)
    arrival = digest_of_set((str(one.SOPInstanceUID) for one in images), key=KEY)
    journal = Journal(tmp_path / "ledger", name, arrival=arrival)
    return Steps(of, uid, name=name, home=tmp_path, journal=journal)


def done(steps, step):
    folder = steps.home / step
    folder.mkdir()
    found = steps.do(step, folder)
    steps.journal.write(step, folder=folder, found=found, time="2024-05-03T12:00:00Z")
    return found


def test_each_step_rests_on_those_before(steps):
    found = {step: done(steps, step) for step in STEPS}
    assert found["receive"]["images"] == found["check"]["images"] == 8
    assert found["segment"]["voxels"] == 40
    assert found["explain"]["peak_is_marked"]
    assert set(found["explain"]["contributions"]) == {"offset", "surest voxels"}
    assert found["write"]["withheld"] == 0
    assert found["store"]["objects"] == 10
    assert found["read back"]["measured"]["volume_ml"] == 0.8
    mask = np.load(steps.home / "segment" / "mask.npy")
    assert mask[tuple(found["explain"]["peak"])]


def test_names_are_in_the_first_two_folders_only(steps):
    for step in STEPS[:8]:
        done(steps, step)
    holds = {
        step: any(
            ERIKA.number.encode() in path.read_bytes() for path in (steps.home / step).iterdir()
        )
        for step in STEPS[:8]
    }
    assert [step for step, named in holds.items() if named] == list(WITH_IDENTITY)


def test_times_are_moved_as_the_patients_dates_are(steps):
    done(steps, "receive")
    moved = datetime.fromisoformat(steps.moved("2024-05-03T12:00:00Z"))
    noon = datetime(2024, 5, 3, 12, tzinfo=UTC)
    assert noon - moved == shift_of(ERIKA.number, key=KEY)
    later = datetime.fromisoformat(steps.moved("2024-05-03T12:00:07Z"))
    assert (later - moved).seconds == 7


def test_images_that_came_meanwhile_are_noticed(steps):
    steps.journal.arrival = digest_of_set(["1.2"], key=KEY)
    with pytest.raises(ValueError, match="came or went"):
        done(steps, "receive")


def test_no_mark_is_reported_where_no_lesion_is(steps):
    """The network marked, and the probability is below the threshold: one rule for both."""
    steps.of.readers = replace(
        READERS, probability=lambda v: 0.5, contributions=lambda v: {"offset": 0.0}, threshold=0.6
    )
    found = {step: done(steps, step) for step in STEPS}
    assert found["segment"]["voxels"] == found["write"]["withheld"] == 40
    assert found["read back"]["measured"] == {"volume_ml": 0.0, "lesions": 0, "probability": 0.5}
    assert not found["write"]["refused"]


def test_present_without_a_mark_is_refused(steps):
    steps.of.readers = replace(READERS, mask=lambda volume: volume < -1)
    for step in STEPS[:7]:
        done(steps, step)
    found = done(steps, "write")
    assert found["refused"]
    assert "present, and the number of lesions is 0" in found["reasons"][0][2]


def test_unknown_steps_and_studies_are_told(steps):
    with pytest.raises(ValueError, match="step is 'dream'"):
        steps.do("dream", steps.home)
    steps.study = "1.2.3"
    with pytest.raises(ValueError, match="not in the inbox"):
        done(steps, "receive")
