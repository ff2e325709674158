"""A step alone: what it needs, what it leaves, and what it does not know."""

import numpy as np
import pytest

from medlib.systems.clinic.journal import Journal
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
    return Steps(of, uid, name=name, home=tmp_path, journal=Journal(tmp_path / "ledger", name))


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
    assert found["explain"]["contributions"] == {"bright voxels": 2.5}
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


def test_unknown_steps_and_studies_are_told(steps):
    with pytest.raises(ValueError, match="step is 'dream'"):
        steps.do("dream", steps.home)
    steps.study = "1.2.3"
    with pytest.raises(ValueError, match="not in the inbox"):
        done(steps, "receive")
