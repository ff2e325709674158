"""A data folder that others own: read without a lock, held to its pins, told where it cannot be."""

import hashlib
import os
from pathlib import Path

import pytest

from data_fetch.catalog import dataset
from data_fetch.download import fetch, lock_file, state
from data_fetch.errors import DataError
from tests.data_fetch.guest import as_a_guest
from tests.data_fetch.loopback import BODY, QUICK, entry

GUEST = """
import sys
from data_fetch.download import fetch, state
from data_fetch.errors import DataError
from tests.data_fetch.loopback import QUICK, entry
wanted = entry("http://127.0.0.1:1/never")
print(state(wanted, folder=sys.argv[1]))
try:
    print(fetch(wanted, folder=sys.argv[1], transfer=QUICK))
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize("pinned", [True, False])
def test_a_shared_folder_need_not_be_writable(tmp_path: Path, pinned: bool) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    if pinned:
        digest = hashlib.sha256(BODY).hexdigest()
        lock_file(tmp_path / "example.bin").write_text(f"{digest}  example.bin\n")
    tmp_path.chmod(0o555)
    before = sorted(tmp_path.iterdir())
    told = as_a_guest("-c", GUEST, str(tmp_path))
    assert told == ["here", str(tmp_path / "example.bin")]
    assert sorted(tmp_path.iterdir()) == before


def test_a_pin_in_a_shared_folder_is_held_to(tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    lock_file(tmp_path / "example.bin").write_text("0" * 64 + "  example.bin\n")
    tmp_path.chmod(0o555)
    word, message = as_a_guest("-c", GUEST, str(tmp_path))
    assert word == "damaged"
    assert "pins 0000" in message


def test_a_shared_folder_without_the_file_says_that_it_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    word, message = as_a_guest("-c", GUEST, str(tmp_path))
    assert word == "not here"
    assert "example.bin is not in the data folder" in message
    assert "set MEDBOOK_DATA to a folder you can write to" in message


@pytest.mark.parametrize("what", ["file", "folder", "pin"])
def test_what_may_not_be_read_is_told_and_no_traceback(tmp_path: Path, what: str) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    lock_file(tmp_path / "example.bin").write_text("0" * 64 + "  example.bin\n")
    target = {"file": tmp_path / "example.bin", "folder": tmp_path}
    locked = target.get(what, lock_file(tmp_path / "example.bin"))
    locked.chmod(0)
    try:
        word, message = as_a_guest("-c", GUEST, str(tmp_path))
    finally:
        locked.chmod(0o755)
    assert word == "unreadable"
    assert "cannot be read: Permission denied; ask its owner" in message


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "example.bin").mkdir()
    wanted = entry("http://127.0.0.1:1/never")
    assert state(wanted, folder=tmp_path) == "unreadable"
    with pytest.raises(DataError, match=r"cannot be read: Is a directory"):
        fetch(wanted, folder=tmp_path, transfer=QUICK)


def test_asking_for_the_state_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    assert state(entry("http://127.0.0.1:1/never"), folder=tmp_path) == "here"
    assert os.listdir(tmp_path) == ["example.bin"]


def test_a_pin_of_any_bytes_is_a_wrong_pin(tmp_path: Path) -> None:
    (tmp_path / "example.bin").write_bytes(BODY)
    lock_file(tmp_path / "example.bin").write_bytes(b"\xff\xfe\x00")
    assert state(entry("http://127.0.0.1:1/never"), folder=tmp_path) == "damaged"


def test_the_command_line_tells_what_may_not_be_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MEDBOOK_DATA", str(tmp_path))
    file = tmp_path / dataset("breastmnist").file
    file.write_bytes(b"anything")
    file.chmod(0)
    listed = as_a_guest("-m", "data_fetch", "list")
    assert any(line.startswith("breastmnist") and "unreadable" in line for line in listed)
    told = as_a_guest("-m", "data_fetch", "verify", "breastmnist")
    assert told == [
        f"breastmnist: UNREADABLE: {file}; ask its owner to let you read it, or set MEDBOOK_DATA",
        "error: 1 of 1 data sets failed",
    ]
