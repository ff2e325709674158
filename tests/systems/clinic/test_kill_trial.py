"""SIGKILL between any two steps, within storing, and after a step's files: no trace of it."""

import os
from dataclasses import asdict
from datetime import datetime

import pytest
from pydicom import dcmread

from medlib.systems.clinic import kill_trial as room
from medlib.systems.clinic.intake import Rules, take_in
from medlib.systems.clinic.kill_trial import (
    BY_HALVES,
    FOLDER_LOST,
    POINTS,
    in_own_process,
    is_killed_at,
)
from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.readers import keep_answers
from medlib.systems.clinic.server_or_files import archive_in, archive_of
from medlib.systems.clinic.steps import STEPS, Steps
from medlib.systems.clinic.structured_report import Measured
from tests.systems.clinic.conftest import KEY, READERS, study


@pytest.fixture
def job(tmp_path):
    images = study(accession="KILL")
    keep_answers(tmp_path / "kept.npz", READERS, take_in(images, rules=Rules()).volume)
    uid = str(images[0].StudyInstanceUID)
    return images, {"study": uid, "key": KEY.hex(), "answers": str(tmp_path / "kept.npz")}


def test_every_place_is_tried():
    assert len(POINTS) == len(set(POINTS)) == 3 * len(STEPS) + 1


@pytest.mark.timeout(1800)  # some 25 trials; seconds each on a busy machine
def test_killed_at_any_place_over_files_the_rerun_ends_the_same(job, tmp_path):
    images, asked = job
    archive_in(tmp_path / "archive").store(images)
    between = [(step, "journalled") for step in STEPS]
    points = [
        *between,
        ("check", "made"),
        ("segment", "made"),
        ("write", "made"),
        ("store", "half"),
        ("store", "half" + FOLDER_LOST),
        ("store", "half" + BY_HALVES),
        ("receive", "made"),
    ]
    trials = in_own_process({**asked, "folder": str(tmp_path / "archive")}, points)
    assert [(trial.step, trial.moment) for trial in trials] == points
    assert [trial for trial in trials if not trial.holds] == []
    assert sum(trial.lost + trial.more for trial in trials) == 0


@pytest.mark.timeout(900)
def test_killed_around_the_network_with_a_real_server_the_rerun_ends_the_same(job, server):
    images, asked = job
    archive = archive_of(server)
    archive.store(images)
    said = {**asdict(server), "authority": str(server.authority)}
    points = [("receive", "made"), ("store", "half"), ("store", "made"), ("read back", "made"),
              ("store", "half" + BY_HALVES)]  # fmt: skip
    trials = in_own_process({**asked, "server": said}, points)
    assert [trial for trial in trials if not trial.holds] == []
    assert len(trials) == 5
    assert archive.studies() == [asked["study"]]
    archive.forget(asked["study"])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_pipeline_that_draws_names_and_stores_at_once_is_found_out(job, tmp_path, monkeypatch):
    """The control: its objects are there twice after a kill, and the trial says so."""
    images, asked = job
    archive_in(tmp_path / "archive").store(images)
    write = Steps.write

    def at_once(self, folder):
        found = write(self, folder)
        self.of.outbox.store([dcmread(path) for path in sorted(folder.iterdir())])
        return found

    def drawn(self, purpose):
        return f"2.25.{int.from_bytes(os.urandom(15), 'big')}"

    monkeypatch.setattr(Steps, "write", at_once)
    monkeypatch.setattr(Stamp, "uid", drawn)
    asked = {**asked, "folder": str(tmp_path / "archive")}
    nothing = {"objects": {"1.2": "0"}, "measured": vars(Measured(0.0, 0, 0.0))}
    monkeypatch.setattr(Steps, "read_back", lambda self, folder: nothing)  # which would notice
    (trial,) = room.kill_trial(asked, [("write", "made")])
    assert trial.killed
    assert not trial.holds
    assert trial.more == len(images) + 4  # two masks and two reports
    assert (trial.studies, trial.reports) == (1, 2)
    assert len(images) == 8


def test_a_key_that_is_lost_gives_two_studies_and_two_reports(job, tmp_path):
    images, asked = job
    archive = archive_in(tmp_path / "archive")
    archive.store(images)
    asked = {**asked, "key": "", "folder": str(tmp_path / "archive"), "keep": True}
    (trial,) = in_own_process(asked, [("store", "made")])
    assert trial.killed
    assert (trial.studies, trial.reports) == (2, 2)
    assert not trial.holds
    assert len(archive.studies()) == 3  # kept, as asked; and seen by who opened the folder before


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_object_that_reads_the_clock_is_found_out(job, tmp_path, monkeypatch):
    images, asked = job
    archive_in(tmp_path / "archive").store(images)

    def now(self):
        return Stamp(self.of.key, self.name, datetime.fromisoformat(self.moved(self.of.clock())))

    monkeypatch.setattr(Steps, "stamp", property(now))
    asked = {**asked, "folder": str(tmp_path / "archive")}
    (trial,) = room.kill_trial(asked, [("write", "made")])
    assert trial.killed
    assert not trial.same_objects


def test_children_that_end_otherwise_are_told(capfd):
    def fails(pause):
        raise ValueError("on its own")

    with pytest.raises(RuntimeError, match="ended with status"):
        is_killed_at(fails, None)
    assert "on its own" in capfd.readouterr().err
    assert not is_killed_at(lambda pause: None, ("store", "half"))
    assert is_killed_at(lambda pause: pause("store", "half"), ("store", "half"))
    with pytest.raises(RuntimeError, match="failed"):
        in_own_process({"study": "1.2"}, POINTS)
