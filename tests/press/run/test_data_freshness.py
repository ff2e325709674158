"""A run over a folder of a person's own is stale when the folder's files are no longer the same."""

import json
import os
import shutil

import pytest

from press.cli.main import main
from tests.press.conftest import REPOSITORY, make_book

READING = """\
from types import SimpleNamespace
from pathlib import Path

from data_fetch.folder import members, visible_files


def read(folder, pattern):
    files = visible_files(Path(folder), pattern)
    return SimpleNamespace(
        array=sum(len(path.read_bytes()) for path in files), name="own", kind="real",
        sha256="0" * 64, path=Path(folder), members=members(Path(folder), files),
        members_glob=pattern,
    )
"""
PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
folder: str = ""  # a folder of files
pattern: str = "*"  # which of them
factor: float = 2.0  # what to multiply by, 0 < x ≤ 10
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A chapter swept over a folder of slices and over one of tiles, and the folder of both."""
    at = tmp_path_factory.mktemp("swept")
    book = make_book(at / "book")
    for file in ("errors", "sample", "folder"):
        shutil.copy(REPOSITORY / "data_fetch" / f"{file}.py", book.root / "data_fetch")
    book.write("data_fetch/reading.py", READING)
    book.chapter(
        "pixels/own",
        "sample = run.uses(read(folder, pattern))\nrun.result('x', sample.array * factor)",
        imports="from data_fetch.reading import read",
        parameters=PARAMETERS,
    )
    (at / "data").mkdir()
    for name in ("1.dcm", "2.dcm", "tumour/p1.png", "normal/p2.png"):
        (at / "data" / name).parent.mkdir(exist_ok=True)
        (at / "data" / name).write_bytes(name.encode())
    for pattern in ("*", "*/*"):
        done = sweep(book, at / "data", pattern)
        assert done.returncode == 0, done.stderr
        assert "0 fresh and kept, 2 to run" in done.stdout
    return book, at / "data"


def sweep(book, folder, pattern, *words):
    given = ["-p", f"folder={folder}", "-p", f"pattern={pattern}", "-g", "factor=2,3"]
    return book.medbook("sweep", "own", *given, *words)


@pytest.fixture
def own(swept, tmp_path):
    """A copy of the folder's files, put back at the end."""
    book, folder = swept
    shutil.copytree(folder, tmp_path / "before")
    yield book, folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tmp_path / "before", folder)


@pytest.fixture
def told(own, capsys):
    """What a dry run of the sweep says of its points, in this process."""
    book, folder = own

    def dry_run(pattern="*"):
        given = ["-p", f"folder={folder}", "-p", f"pattern={pattern}", "-g", "factor=2,3"]
        assert main(["--root", str(book.root), "sweep", "own", *given, "--dry-run"]) == 0
        return capsys.readouterr().out

    return dry_run


def test_an_untouched_folder_leaves_every_point_fresh(told):
    for pattern in ("*", "*/*"):
        assert "2 fresh and kept, 0 to run" in told(pattern)


def test_a_changed_file_makes_its_points_stale_and_is_named(own, told):
    _, folder = own
    (folder / "2.dcm").write_bytes(b"other pixels")
    assert told().count("stale: data own: 1 file changed (2.dcm)") == 2
    assert "2 fresh and kept" in told("*/*")


def test_a_file_of_the_same_length_and_time_is_told_by_its_content(own, told):
    _, folder = own
    before = (folder / "1.dcm").stat()
    (folder / "1.dcm").write_bytes(b"1.DCM")
    os.utime(folder / "1.dcm", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "1 file changed (1.dcm)" in told()


def test_a_new_file_a_lost_one_and_a_lost_folder_are_named(own, told):
    _, folder = own
    for number in range(5):
        (folder / "normal" / f"new{number}.png").write_bytes(b"new")
    (folder / "tumour/p1.png").unlink()
    text = told("*/*")
    assert "data own: 1 file gone (tumour/p1.png); data own: 5 files new (normal/new0.png, " in text
    assert "normal/new2.png, ...)" in text
    shutil.rmtree(folder)
    assert told().count(f"stale: data own: {folder} is gone") == 2


def test_hidden_files_and_other_depths_change_nothing(own, told):
    _, folder = own
    (folder / ".DS_Store").write_bytes(b"a desktop's own")
    (folder / "tumour/.p1.png.swp").write_bytes(b"an editor's own")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints/p1.png").write_bytes(b"Jupyter's own")
    for pattern in ("*", "*/*"):
        assert "2 fresh and kept, 0 to run" in told(pattern)


def test_a_record_that_names_a_folder_only_is_stale(own, told):
    book, folder = own
    records = {
        path: path.read_text()
        for path in (book.root / "build/sweeps/pixels/own").glob("*/record.json")
    }
    for path, text in records.items():
        record = json.loads(text)
        for use in record["data"]:
            del use["members"], use["members_glob"]
        path.write_text(json.dumps(record))
    assert told().count(f"which files of {folder} it read is not recorded") == 2
    for path, text in records.items():
        path.write_text(text)


def test_points_of_a_sweep_read_an_untouched_file_once(own, monkeypatch):
    from press.run import freshness

    calls = []
    monkeypatch.setattr(freshness, "file_digest", lambda path: calls.append(path) or "0" * 64)
    path = own[1] / "1.dcm"
    freshness._digest_at.cache_clear()
    assert freshness._digest_once(path) == freshness._digest_once(path)
    path.write_bytes(b"longer than before")
    freshness._digest_once(path)
    assert calls == [path, path]
    freshness._digest_at.cache_clear()
