"""Bad input to the checking verbs: one clear line, a telling exit code, and nothing is changed."""

import errno
import os
import shutil

import pytest

from press.cli.main import main
from press.errors import Exit

RUN = "build/runs/pixels/whole"
PROFILES = "chapters/pixels/whole/profiles.yml"
ACCEPTED = "results/pixels/whole/accepted.json"


@pytest.fixture
def medbook(accepted_book, capsys, monkeypatch):
    """Run `medbook` on the whole book: exit code, lines of output, lines of complaint."""
    monkeypatch.chdir(accepted_book.root)

    def run(*words):
        capsys.readouterr()
        code = main(["--root", str(accepted_book.root), *words])
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    return run


UNKNOWN = {
    "check": (["check", "pixels/hole"], "no chapter 'pixels/hole': did you mean pixels/whole?"),
    "accept": (["accept", "hole"], "no chapter 'hole': did you mean pixels/whole?"),
    "profile": (["check", "--profile", "smoek"], "there is no profile 'smoek'"),
    "strict": (["check", "--stric"], "No such option '--stric'"),
    "table onto a device": (["check", "--seeds", "1", "-o", "pipe.md"], "give the name of a plain"),
    "table in no folder": (["check", "--seeds", "1", "-o", "no/x.md"], "there is no folder"),
    "table is a folder": (["check", "--seeds", "1", "-o", "folder.md"], "such as folder.md/run.md"),
    "seeds": (["check", "--seeds", "ten"], "'ten' is not a valid integer"),
    "reproduce nothing": (["reproduce"], "Missing argument 'RUN...'"),
    "reproduce absent": (["reproduce", "build/runs/pixels/hole"], "there is no such run"),
    "reproduce a chapter": (
        ["reproduce", "chapters/pixels/whole/whole.py"],
        "no record.json stands",
    ),
    "reproduce kept results": (
        ["reproduce", "results/pixels/whole/accepted.json"],
        "results that were kept, not a run",
    ),
    "no such port": (["serve", "--port", "70000"], "70000 is not in the range 0<=x<=65535"),
    "a long title": (["new", "pixels/x", "--title", "x" * 81], "has 81 characters: at most 80"),
    "new": (["new", "pixles/x"], "no part 'pixles'; did you mean 'pixels'?"),
    "new, taken": (["new", "pixels/whole"], "this name is there already"),
}


@pytest.mark.parametrize(("words", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_unknown_is_one_line(medbook, accepted_book, words, message):
    os.mkfifo(accepted_book.root / "pipe.md")
    (accepted_book.root / "folder.md").mkdir()
    code, _, err = medbook(*words)
    assert code == Exit.USAGE
    assert len(err) == 1
    assert message in err[0]


def test_new_without_a_table_of_contents_writes_nothing(medbook, accepted_book):
    code, _, err = medbook("new", "pixels/another")
    assert code == Exit.USAGE
    assert "_toc.yml: there is no such file" in err[0]
    assert not (accepted_book.root / "chapters/pixels/another/another.py").exists()


DAMAGED = {
    "record": (f"{RUN}/record.json", "{", "its record.json cannot be used"),
    "record of another version": (f"{RUN}/record.json", '{"schema_version": 9}', "record schema 9"),
    "notebook": (f"{RUN}/notebook.ipynb", "[]", "notebook.ipynb cannot be read"),
    "figure": (f"{RUN}/figures/ramp.png", "no picture", "ramp.png cannot be decoded"),
    "results": (ACCEPTED, "<<<<<<< HEAD", "cannot be read"),
    "record of no schema": (f"{RUN}/record.json", "[]", "this version reads 1; run it again"),
    "results of another shape": (ACCEPTED, "[]", "damaged"),
    "seeds": ("results/pixels/whole/seeds.json", "{}", "results/pixels/whole/seeds.json"),
}


@pytest.mark.parametrize(("path", "text", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_named_by_the_check(medbook, accepted_book, path, text, message):
    accepted_book.write(path, text)
    code, _, err = medbook("check")
    assert code == Exit.CHECK_FAILED
    assert sum(message in line for line in err) == 1
    assert all("Traceback" not in line for line in err)
    assert all(line.count("run it again") <= 1 for line in err)
    assert err[-1] == "1 chapter checked: 1 check failed"


@pytest.mark.parametrize("text", ["{", '{"schema_version": 9}', "\x00\x01"])
def test_a_corrupt_record_is_not_reproduced(medbook, accepted_book, text):
    accepted_book.write(f"{RUN}/record.json", text)
    code, _, err = medbook("reproduce", RUN)
    assert code == Exit.USAGE
    assert len(err) == 1
    assert "record.json" in err[0]


def test_bad_yaml_is_one_line_with_its_place(medbook, accepted_book):
    accepted_book.write(PROFILES, "smoke:\n  a: [")
    code, _, err = medbook("check")
    assert code == Exit.USAGE
    assert len(err) == 1
    assert "profiles.yml, line 2: bad YAML" in err[0]


@pytest.mark.parametrize("variable", ["fast", "", "inf", "nan"])
def test_a_budget_factor_that_is_no_number_is_one_line(medbook, monkeypatch, variable):
    monkeypatch.setenv("MEDBOOK_BUDGET_FACTOR", variable)
    code, _, err = medbook("check")
    assert code == Exit.USAGE
    assert len(err) == 1
    assert "MEDBOOK_BUDGET_FACTOR" in err[0]


def test_a_file_where_results_belong_is_one_line(medbook, accepted_book):
    shutil.rmtree(accepted_book.root / "results")
    accepted_book.write("results", "")
    code, _, err = medbook("accept")
    assert code == Exit.ENVIRONMENT
    assert len(err) == 1
    assert err[0] == (
        f"medbook: a file stands where a folder belongs: {accepted_book.root / 'results'}:"
        " move it away and run again"
    )


def test_profiles_that_are_a_folder_are_named(medbook, accepted_book):
    (accepted_book.root / PROFILES).mkdir()
    code, _, err = medbook("check")
    assert code == Exit.USAGE
    assert len(err) == 1
    assert "profiles.yml is a folder, not a YAML file" in err[0]


def test_nothing_is_called_accepted_before_it_is_written(medbook, accepted_book):
    shutil.rmtree(accepted_book.root / "results")
    accepted_book.write("results", "")
    assert "accepted" not in "".join(medbook("accept")[1])


def test_an_unwritable_folder_is_one_line(accepted_book):
    (accepted_book.root / ACCEPTED).unlink()
    folder = (accepted_book.root / ACCEPTED).parent
    folder.chmod(0o555)
    before = []
    if os.geteuid() == 0:  # permissions do not bind root, unless it gives that power up
        if not shutil.which("setpriv"):
            pytest.skip("root, and there is no setpriv to become less")
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = accepted_book.medbook("accept", before=before)
    assert done.returncode == Exit.ENVIRONMENT
    (line,) = done.stderr.splitlines()
    assert line.startswith("medbook: may not write or read here: ")


def test_a_full_disk_is_one_line_and_leaves_what_was_accepted(medbook, accepted_book, monkeypatch):
    before = (accepted_book.root / ACCEPTED).read_bytes()
    text = (accepted_book.root / RUN / "record.json").read_text("utf-8")
    changed = text.replace('"unit": "grey"', '"unit": "HU"')
    assert changed != text
    accepted_book.write(f"{RUN}/record.json", changed)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("medlib.experiment.record.os.fsync", full)
    code, _, err = medbook("accept")
    assert code == Exit.ENVIRONMENT
    assert len(err) == 1
    assert err[0].startswith("medbook: the disk is full")
    folder = (accepted_book.root / ACCEPTED).parent
    assert [path.name for path in folder.iterdir()] == ["accepted.json"]
    assert (accepted_book.root / ACCEPTED).read_bytes() == before
    with pytest.raises(OSError, match="No space"):
        main(["--root", str(accepted_book.root), "accept", "--debug"])


def test_a_book_without_chapters_says_how_to_make_one(book, capsys):
    for verb in ("check", "accept"):
        assert main(["--root", str(book.root), verb]) == Exit.USAGE
        assert "`medbook new part/name` makes one" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "reproduce", "accept", "new"])
def test_help_teaches_with_examples(medbook, verb):
    code, out, _ = medbook(verb, "--help")
    assert code == Exit.OK
    text = "\n".join(out)
    assert f"  medbook {verb}" in text
    assert "Example" in text
