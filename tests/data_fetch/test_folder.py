"""A folder's files: which count, their digests, and what may not be read."""

import os
from pathlib import Path

import pytest

from data_fetch.errors import DataError
from data_fetch.folder import existing_folder, members, visible_files
from data_fetch.readers.file import existing_file
from tests.data_fetch.guest import as_a_guest


def test_hidden_names_do_not_count_at_any_depth(tmp_path: Path) -> None:
    for name in ("a.txt", ".b", "c/d.txt", "c/.e", ".f/g.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"abc")
    assert visible_files(tmp_path, "*") == [tmp_path / "a.txt"]
    assert visible_files(tmp_path, "*/*") == [tmp_path / "c/d.txt"]
    ((name, digest),) = members(tmp_path, visible_files(tmp_path, "*/*"))
    # FIPS 180-2, appendix B.1
    assert (name, digest[:16]) == ("c/d.txt", "ba7816bf8f01cfea")


def test_a_folder_below_a_hidden_one_counts(tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data/a.txt").write_bytes(b"abc")
    assert visible_files(tmp_path / ".data", "*") == [tmp_path / ".data/a.txt"]


def test_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_bytes(b"abc")
    assert existing_folder("~", wanted="another") == tmp_path
    assert existing_file("~/file") == tmp_path / "file"


def test_what_is_no_folder_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing is not a folder; give another"):
        existing_folder(tmp_path / "nothing", wanted="another")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a device or a pipe"):
        existing_file(tmp_path / "pipe")


READING = """
import sys
from pathlib import Path
from data_fetch.errors import DataError
from data_fetch.readers import read_dicom_series, read_npz
for read in (read_dicom_series, lambda path: read_npz(path / "file", key="x")):
    try:
        read(Path(sys.argv[1]))
    except DataError as error:
        print(error)
"""


@pytest.mark.parametrize("locked", ["", "file"])
def test_what_may_not_be_read_is_one_line(tmp_path: Path, locked: str) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / locked).chmod(0)
    try:
        series, file = as_a_guest("-c", READING, str(tmp_path))
    finally:
        (tmp_path / locked).chmod(0o755)
    assert series == f"{tmp_path / locked} may not be read: Permission denied"
    assert file == f"{tmp_path / 'file'} may not be read: Permission denied"
