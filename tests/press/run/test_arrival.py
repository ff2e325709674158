"""What a cluster sends back, put in its place here: paths, records alone, and bad news."""

import json
import shutil
import socket
import sys
from pathlib import Path

import pytest

from medlib.experiment.record import read_record
from press.errors import Exit, UserError
from press.run import cluster
from press.run.address import Address, Tls
from press.run.arrival import localise, place
from press.run.cluster import Session
from press.run.dealing import Worker
from press.run.execute import NOTEBOOK, PRESS_NOTE, RECORD, Silent, plan
from press.run.payload import pack, pack_folder
from press.run.point import keep_the_record
from press.run.scheduler import Cluster
from press.source.project import Project

SOMEWHERE = Worker("tls://gpu1:1", "alice", 1, {"tree": "/w/tree", "prefix": "/w/venv"})


def answer(folder: bytes, **more) -> dict:
    whole = {"ended": "whole", "wall_s": 1.5, "failure": None, "warnings": [], "folder": folder}
    return whole | more


@pytest.fixture
def session(ready_book):
    """One point of alpha, on its way."""
    project = Project(ready_book.root)
    job = plan(project, project.chapter("alpha"), given={"factor": 3.0})
    return Session(project, [job], Silent())


def outcome_of(session, reply):
    return place(session.project, session.jobs[0], reply, SOMEWHERE)


def test_a_folder_stands_whole_in_its_place(session):
    (job,) = session.jobs
    run = session.project.runs / "pixels" / "alpha"
    outcome = outcome_of(session, answer(pack_folder(run)))
    assert outcome.ok
    assert outcome.wall_s == 1.5
    assert {p.name for p in job.destination.iterdir()} == {p.name for p in run.iterdir()}
    assert [p.name for p in job.destination.parent.iterdir()] == [job.destination.name]


def test_half_a_folder_leaves_none(session):
    (job,) = session.jobs
    data = pack({RECORD: b"{}" * 4000})
    outcome = outcome_of(session, answer(data[:3000]))
    assert "no whole run folder" in outcome.failure.line
    assert list(job.destination.parent.iterdir()) == []


def test_a_failed_run_is_kept_to_be_looked_at_and_says_where_it_ran(session):
    (job,) = session.jobs
    failure = {
        "chapter": "pixels/alpha",
        "line": "pixels/alpha: cell 2 raised ValueError: no",
        "details": ["a line"],
        "exit_code": 3,
    }
    outcome = outcome_of(session, answer(pack({NOTEBOOK: b"{}"}), failure=failure))
    assert outcome.failure.line == failure["line"]
    assert outcome.failure.details == (
        "a line",
        "on worker alice (tls://gpu1:1)",
        f"the notebook as far as it came: build/failed/pixels/alpha/{NOTEBOOK}",
    )
    assert (session.project.failed_runs / "pixels" / "alpha" / NOTEBOOK).is_file()
    assert not job.destination.exists()


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ({"ended": "killed", "workers": ["a", "b", "c"]}, "3 workers died while they ran it"),
        ({"ended": "died", "code": -9, "log": ["x"]}, "its process died on the worker"),
        ({"ended": "fault", "message": "OSError: full"}, "the worker could not run it: OSError"),
    ],
)
def test_what_left_no_folder_has_a_reason(session, reply, line):
    failure = outcome_of(session, reply).failure
    assert failure.line.startswith("pixels/alpha: ")
    assert line in failure.line
    assert failure.exit_code == Exit.CHAPTER_FAILED


def test_data_are_where_the_same_things_are_on_this_machine(ready_book, tmp_path):
    record = tmp_path / RECORD
    shutil.copy(ready_book.project.runs / "pixels" / "beta" / RECORD, record)
    before = read_record(record)
    here = json.loads(record.read_text())
    moved = {"/w/tree/data.txt": ready_book.root / "data.txt"}
    moved |= {"/w/venv/lib/x.npy": Path(sys.prefix) / "lib" / "x.npy", "/else/y": Path("/else/y")}
    for there, expected in moved.items():
        here["data"][0]["path"] = there
        record.write_text(json.dumps(here))
        localise(record, SOMEWHERE.places, ready_book.root)
        (use,) = read_record(record).data
        assert use.path == str(expected)
    assert read_record(record).results == before.results


def test_a_record_alone_is_a_point_that_is_kept(ready_book):
    folder = ready_book.project.runs / "pixels" / "alpha"
    keep_the_record(folder)
    assert sorted(p.name for p in folder.iterdir()) == [PRESS_NOTE, RECORD]
    assert ready_book.state("pixels/alpha").fresh
    ready_book.edit("medlib/pixels/double.py", "2 * x", "x + x")
    assert ready_book.state("pixels/alpha").reasons == ("medlib/pixels/double.py changed",)


def test_only_a_large_sweeps_own_points_come_back_as_records(session, monkeypatch):
    (job,) = session.jobs
    assert session.order(0).whole
    monkeypatch.setattr(cluster, "RECORD_ONLY_ABOVE", 0)
    assert session.order(0).whole  # it is no point of a sweep
    folder = session.project.sweeps / "pixels" / "alpha" / "abc"
    session.jobs = [type(job)(**(vars(job) | {"destination": folder}))]
    assert not session.order(0).whole


def test_where_nobody_answers_one_line_says_so(session, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(UserError, match=f"no Dask scheduler answers at {address}") as error:
            Cluster(Address(address)).run(session.project, session.jobs, Silent())
    assert error.value.exit_code == Exit.ENVIRONMENT


def test_a_certificate_that_cannot_be_read_is_told(session, tmp_path):
    (tmp_path / "no.pem").write_text("nothing")
    tls = Tls(*[tmp_path / "no.pem"] * 3)
    with pytest.raises(UserError, match="certificates") as error:
        Cluster(Address("tls://127.0.0.1:1", tls)).run(session.project, session.jobs, Silent())
    assert error.value.exit_code == Exit.ENVIRONMENT
