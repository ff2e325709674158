"""`medbook crate`: where it writes, what it says, and what it refuses in one line."""

import shutil

import pytest

from press.source.project import Project
from tests.press.conftest import TinyBook
from tests.press.packed_book import RUN


@pytest.fixture
def book(cited_book, tmp_path):
    shutil.copytree(cited_book.root, tmp_path / "copy")
    return TinyBook(Project(tmp_path / "copy"))


def test_a_run_is_packed_checked_and_not_packed_over(book):
    run = str(book.root / RUN)
    done = book.medbook("crate", run)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    assert first == "crate     build/crates/pixels-whole.zip"
    assert second.startswith("sound     ")
    place = book.root / "build/crates/pixels-whole.zip"
    data = place.read_bytes()
    again = book.medbook("crate", run)
    assert again.returncode == 2
    assert "is there already: name another, or use --force" in again.stderr
    assert book.medbook("crate", run, "--force").stdout.splitlines()[2] == third
    assert place.read_bytes() == data
    folder = book.medbook("crate", str(book.root / RUN / "record.json"), "-o", "a_folder")
    assert folder.stdout.splitlines()[2] == third
    checked = book.medbook("crate", "--check", "a_folder", str(place))
    assert checked.stdout.splitlines() == [second, third] * 2


def test_a_run_with_own_parameters_has_a_crate_of_its_own(book):
    other = book.root / "build/runs-adhoc/pixels/whole/0123456789ab"
    shutil.copytree(book.root / RUN, other)
    done = book.medbook("crate", str(other))
    assert done.stdout.splitlines()[0] == "crate     build/crates/pixels-whole-0123456789ab.zip"


def test_what_is_wrong_is_named_line_by_line(book, tmp_path):
    assert book.medbook("crate", str(book.root / RUN), "-o", "c").returncode == 0
    (tmp_path / "c/figures/ramp.png").unlink()
    (tmp_path / "c/more.txt").write_text("more")
    done = book.medbook("crate", "--check", "c")
    assert done.returncode == 1
    assert "✗ c: digest: figures/ramp.png is missing" in done.stderr
    assert "✗ c: digest: more.txt is extra" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("things are wrong")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["no/such/run"], "there is no such run"),
        ([RUN, RUN], "one RUN makes one crate; 2 were given"),
        ([RUN, "-o", f"{RUN}/c.zip"], "lies in the run's own folder"),
        ([RUN, "-o", "no/such/c.zip"], "there is no folder"),
        ([RUN, "--image", "book:latest"], "expected NAME@sha256:DIGEST"),
        ([RUN, "--agent", "A (mailto:a@b.example)"], "--agent"),
        (["--check", "none.zip"], "there is no such crate"),
        (["--check", RUN, "--force"], "--check writes nothing"),
        ([], "Missing argument 'RUN'"),
    ],
)
def test_bad_input_is_one_clear_line(book, monkeypatch, words, expected):
    monkeypatch.chdir(book.root)
    done = book.medbook("crate", *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert expected in line


def test_a_crate_is_not_packed_again(book):
    assert book.medbook("crate", str(book.root / RUN), "-o", "c.zip").returncode == 0
    assert "is a crate already" in book.medbook("crate", "c.zip").stderr
