"""A step stands in the ledger once, with the files that it left."""

import hashlib

import pytest

from medlib.systems.clinic.journal import Journal, entries_of
from medlib.systems.ledger.entry import Draft
from medlib.systems.ledger.ledger_file import append
from tests.systems.clinic.conftest import KEY

NOON = "2024-05-03T12:00:00Z"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "step"
    made.mkdir()
    (made / "a").write_text("1")
    return made


def test_a_step_is_known_again_by_the_next_run(tmp_path, folder):
    ledger = tmp_path / "ledger"
    assert entries_of(ledger) == []
    first = Journal(ledger, "2.25.1")
    assert first.entry("check") is None
    assert not first.is_intact("check", folder)
    first.write("check", folder=folder, found={"n": 1}, time=NOON)
    for journal in (first, Journal(ledger, "2.25.1")):
        assert journal.entry("check").body["found"] == {"n": 1}
        assert journal.is_intact("check", folder)
    assert Journal(ledger, "2.25.2").entry("check") is None
    (folder / "a").write_text("2")
    assert not first.is_intact("check", folder)
    assert not first.is_intact("check", tmp_path / "gone")


def test_a_step_done_again_is_not_written_again(tmp_path, folder):
    ledger = tmp_path / "ledger"
    Journal(ledger, "2.25.1").write("check", folder=folder, found={}, time=NOON)
    again = Journal(ledger, "2.25.1")
    again.write("check", folder=folder, found={}, time=NOON)
    assert len(entries_of(ledger)) == 1
    (folder / "a").write_text("2")
    with pytest.raises(ValueError, match="left other files"):
        again.write("check", folder=folder, found={}, time=NOON)


def test_other_images_begin_another_attempt(tmp_path, folder):
    ledger = tmp_path / "ledger"
    first = Journal(ledger, "2.25.1", arrival="half")
    assert (first.attempt, first.earlier) == (1, 0)
    first.write("receive", folder=folder, found={"arrival": "half"}, time=NOON)
    first.write("check", folder=folder, found={"refused": True}, time=NOON)
    second = Journal(ledger, "2.25.1", arrival="whole")
    assert (second.attempt, second.earlier, second.entry("check")) == (2, 1, None)
    second.write("receive", folder=folder, found={"arrival": "whole"}, time=NOON)
    for arrival, attempt in (("half", 1), ("whole", 2), (None, 2), ("more", 3)):
        assert Journal(ledger, "2.25.1", arrival=arrival).attempt == attempt
    assert Journal(ledger, "2.25.1").arrival == "whole"
    assert Journal(ledger, "2.25.1", arrival="half").entry("check").body["found"]["refused"]
    assert [entry.body["attempt"] for entry in entries_of(ledger)] == [1, 1, 2]


def test_hidden_files_are_not_known_by_who_has_them(tmp_path, folder):
    ledger, key = tmp_path / "ledger", bytes(32)
    journal = Journal(ledger, "2.25.1", key=key, hidden=("receive",))
    for step in ("receive", "gate"):
        journal.write(step, folder=folder, found={}, time=NOON)
    plain = hashlib.sha256((folder / "a").read_bytes()).hexdigest()
    assert journal.entry("gate").body["files"] == {"a": plain}
    assert plain not in str(journal.entry("receive").body)
    again = Journal(ledger, "2.25.1", key=key, hidden=("receive",))
    assert again.is_intact("receive", folder)
    other = Journal(ledger, "2.25.1", key=KEY, hidden=("receive",))
    assert not other.is_intact("receive", folder)


def test_doubled_steps_and_broken_chains_are_told(tmp_path, folder):
    ledger = tmp_path / "ledger"
    body = {"study": "2.25.1", "attempt": 1, "step": "check", "files": {}, "found": {}}
    append(ledger, [Draft("step", body), Draft("note", {})], time=NOON)
    assert len(entries_of(ledger, "2.25.1")) == 1
    append(ledger, [Draft("step", body)], time=NOON)
    with pytest.raises(ValueError, match="stands in it twice"):
        Journal(ledger, "2.25.1")
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(ValueError, match="chain is broken"):
        Journal(ledger, "2.25.1")
