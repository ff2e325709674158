"""A run is done again from its crate alone, on this checkout's code or, where asked, its own."""

import json
import shutil

import pytest

from press.check.reproduce import find_run
from press.crate.packing import write_crate
from press.source.project import Project
from tests.press.conftest import TinyBook
from tests.press.packed_book import digested, packed


@pytest.fixture
def book(cited_book, tmp_path):
    """A checkout without a build folder, and the crate of a run beside it."""
    root = tmp_path / "copy"
    shutil.copytree(cited_book.root, root, ignore=shutil.ignore_patterns("build"))
    return TinyBook(Project(root))


@pytest.fixture
def crate(crate_files, tmp_path):
    write_crate(crate_files, tmp_path / "c.zip")
    return tmp_path / "c.zip"


def test_from_a_crate_alone_with_its_own_parameters(cited_book, book, tmp_path):
    assert cited_book.medbook("run", "whole", "-p", "size=20").returncode == 0
    (record,) = (cited_book.root / "build/runs-adhoc").rglob("record.json")
    write_crate(packed(cited_book, record), tmp_path / "small")
    shutil.rmtree(cited_book.root / "build/runs-adhoc")
    assert find_run(tmp_path / "small").record.parameters["size"] == 20
    done = book.medbook("reproduce", str(tmp_path / "small"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "identical to the bit: 2 results, 2 figures" in done.stdout
    assert list((book.root / "build").glob("reproduce-*")) == []


def test_other_code_is_named_and_the_crate_s_own_offered_and_run(book, crate, crate_files):
    book.edit("chapters/pixels/whole/whole.py", "linspace(0, 1, size)", "linspace(0, 0.9, size)")
    path = book.root / "medlib/experiment/streams.py"
    path.write_text(path.read_text("utf-8") + "# more\n", "utf-8")
    done = book.medbook("reproduce", str(crate))
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("differs: code: code cell 3 changed")
    assert lines[1] == "    also: code: medlib/experiment/streams.py changed"
    assert "    also: result: mean was 0.5, is 0.45" in lines
    assert lines[-1].startswith("the crate brings the code that it ran: --code crate runs that")

    done = book.medbook("reproduce", str(crate), "--code", "crate")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "running the code that the crate brings: it can do all that you can do"
    ]
    assert "note: in this checkout medlib/experiment/streams.py changed" in done.stdout
    assert "identical to the bit: 2 results, 2 figures" in done.stdout
    assert not (book.root / "build").exists() or not list((book.root / "build").rglob("*.ipynb"))


def test_a_crate_s_code_is_not_run_unless_asked_for(book, crate_files, tmp_path):
    """A stranger's chapter and library that leave a mark when they run."""
    mark = tmp_path / "mark"
    evil = f"\nopen({str(mark)!r}, 'w').close()\n"
    record = json.loads(crate_files["record.json"])
    files = dict(crate_files)
    name = "code/medlib/experiment/streams.py"
    files[name] += evil.encode()
    from press.crate.manifest import digest_of

    record["modules"]["medlib/experiment/streams.py"] = digest_of(files[name])
    files["record.json"] = json.dumps(record).encode()
    write_crate(digested(files), tmp_path / "evil.zip")
    assert book.medbook("crate", "--check", str(tmp_path / "evil.zip")).returncode == 0
    done = book.medbook("reproduce", str(tmp_path / "evil.zip"))
    assert done.stderr.startswith("differs: code: medlib/experiment/streams.py changed")
    assert not mark.exists()
    assert book.medbook("reproduce", str(tmp_path / "evil.zip"), "--code", "crate").returncode == 0
    assert mark.exists()


def test_a_checkout_without_the_chapter_says_so_and_offers_the_crate_s(book, crate):
    shutil.rmtree(book.root / "chapters/pixels")
    done = book.medbook("reproduce", str(crate))
    assert done.returncode == 2
    assert "there is no chapter 'pixels/whole'" in done.stderr
    assert "--code crate runs that" in done.stderr


def test_a_forged_record_is_refuted_by_doing_it_again_causes_first(book, crate_files, tmp_path):
    """All its digests were mended, so that nothing but a run can tell."""
    record = json.loads(crate_files["record.json"])
    record["packages"]["numpy"] = "1.0"
    record["results"][0]["value"] = 0.55
    files = {**crate_files, "record.json": json.dumps(record).encode()}
    write_crate(digested(files), tmp_path / "older")
    lines = book.medbook("reproduce", str(tmp_path / "older")).stderr.splitlines()
    assert lines[0].startswith("differs: environment: package numpy was 1.0, is ")
    assert lines[1] == "    also: result: mean was 0.55, is 0.5"


def test_a_damaged_crate_is_refused_before_anything_runs(book, crate_files, tmp_path):
    write_crate({**crate_files, "figures/ramp.png": b"x"}, tmp_path / "c")
    done = book.medbook("reproduce", str(tmp_path / "c"))
    assert done.returncode == 1
    assert "digest: figures/ramp.png changed" in done.stderr
    assert not (book.root / "build").exists()


def test_own_code_wants_a_crate_and_no_tolerance(book, crate):
    done = book.medbook("reproduce", str(book.root), "--code", "crate")
    assert done.returncode == 2
    assert "--code crate wants a crate" in done.stderr
    done = book.medbook("reproduce", str(crate), "--code", "crate", "--within-tolerance")
    assert done.returncode == 2
