"""A crate is written whole or not at all, in the same bytes each time, and over no stranger's."""

import io
import os
import stat
import zipfile

import pytest

from press.crate import packing
from press.crate.manifest import MANIFEST
from press.crate.packing import archive, may_be_written, write_crate
from press.errors import UserError

FILES = {"b/c.txt": b"two", "a.txt": b"one", MANIFEST: b""}


def test_equal_files_make_equal_archives_that_anyone_can_read():
    data = archive(FILES)
    assert data == archive(dict(reversed(FILES.items())))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["a.txt", "b/c.txt", MANIFEST]
        assert {m.compress_type for m in packed.infolist()} == {zipfile.ZIP_STORED}


def test_a_folder_and_an_archive_hold_the_files(tmp_path):
    write_crate(FILES, tmp_path / "one")
    write_crate(FILES, tmp_path / "new" / "two.ZIP")
    assert (tmp_path / "one/b/c.txt").read_bytes() == b"two"
    assert (tmp_path / "new/two.ZIP").read_bytes() == archive(FILES)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "one"]


@pytest.mark.parametrize(("name", "mode"), [("one", 0o755), ("one.zip", 0o644)])
def test_a_crate_may_be_read_by_others(tmp_path, name, mode):
    """What is written first is a temporary folder or file, which is its owner's alone."""
    old = os.umask(0o022)
    try:
        write_crate(FILES, tmp_path / name)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
    for path in (tmp_path / name).rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044, path.name


@pytest.mark.parametrize("name", ["one", "one.zip"])
def test_a_crate_that_is_there_stays_unless_forced(tmp_path, name):
    place = tmp_path / name
    write_crate(FILES, place)
    with pytest.raises(UserError, match="is there already"):
        write_crate({**FILES, "a.txt": b"other"}, place)
    write_crate({**FILES, "a.txt": b"other"}, place, force=True)
    if place.is_dir():
        assert (place / "a.txt").read_bytes() == b"other"
    else:
        assert b"other" in place.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_force_replaces_crates_and_nothing_else(tmp_path):
    mine = tmp_path / "letters"
    mine.mkdir()
    (mine / "a.txt").write_text("dear")
    (tmp_path / "notes.zip").write_text("no archive")
    (tmp_path / "link.zip").symlink_to(tmp_path / "elsewhere")
    for name in ("letters", "notes.zip", "link.zip"):
        with pytest.raises(UserError, match="is no crate, and --force replaces nothing else"):
            may_be_written(tmp_path / name, force=True)
    assert (mine / "a.txt").read_text() == "dear"


@pytest.mark.parametrize(("name", "step"), [("c", "replace_folder"), ("c.zip", "os.replace")])
def test_what_is_interrupted_leaves_nothing(tmp_path, monkeypatch, name, step):
    def broken(*_):
        raise KeyboardInterrupt

    if step == "os.replace":
        monkeypatch.setattr(packing.os, "replace", broken)
    else:
        monkeypatch.setattr(packing, step, broken)
    with pytest.raises(KeyboardInterrupt):
        write_crate(FILES, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
