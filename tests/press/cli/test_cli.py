"""The command line teaches; bad input is one clear line and an exit code that means something."""

import os
import shutil
import subprocess
import sys
import urllib.request

import psutil
import pytest

from press.cli.main import cli, main
from press.errors import EXIT_MEANINGS, Exit


@pytest.fixture
def medbook(ready_book, capsys):
    """Run `medbook` in this process: exit code, output lines, error lines."""

    def run(*words):
        code = main(["--root", str(ready_book.root), *words])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def test_list_shows_the_chapters_with_state_and_time(medbook, ready_book):
    ready_book.edit("medlib/pixels/double.py", "2 * x", "3 * x")
    ready_book.chapter("pixels/gamma", "pass")
    ready_book.write("chapters/pixels/omega/omega.py", "# %%\nx = 1\n")
    code, out, err = medbook("list")
    assert (code, err) == (Exit.OK, [])
    assert [line.split()[0] for line in out] == [
        "pixels/alpha",
        "pixels/beta",
        "pixels/gamma",
        "pixels/omega",
    ]
    assert out[0].endswith(" s  stale: medlib/pixels/double.py changed")
    assert out[1].endswith(" s  fresh")
    assert out[2].endswith("  never run")
    assert "broken: " in out[3]


def test_params_shows_name_type_default_range_and_meaning(medbook):
    code, out, _ = medbook("params", "alpha")
    assert code == Exit.OK
    assert out[0].split() == ["name", "type", "default", "range", "meaning"]
    assert out[3].split(maxsplit=7) == [
        "factor",
        "float",
        "2.0",
        "0",
        "<",
        "x",
        "≤",
        "10             what to multiply by",
    ]


def test_run_prints_results_and_claims_and_writes_the_notebook(medbook, ready_book):
    ready_book.write("mine.yml", "factor: 5\nseed: 1\n")
    mine, output = str(ready_book.root / "mine.yml"), ready_book.root / "out.ipynb"
    code, out, err = medbook("run", "alpha", "-f", mine, "-p", "factor=3", "-o", str(output))
    assert (code, err) == (Exit.OK, [])
    assert "  quadrupled  12" in out
    assert "  holds  four times a positive number is larger (margin 9)" in out
    assert '"factor": 3.0' in output.read_text() or "factor = 3.0" in output.read_text()
    assert "seed = 1" in output.read_text()
    assert ready_book.stale() == {}


def test_a_claim_that_fails_ends_the_run_with_one(medbook, ready_book):
    ready_book.edit("chapters/pixels/alpha/alpha.py", "True, margin=3 * factor", "False, margin=-1")
    code, out, err = medbook("run", "alpha")
    assert code == Exit.CHECK_FAILED
    assert any(line.startswith("  FAILS  four times") for line in out)
    assert err == ["medbook: pixels/alpha: 1 of 1 claims do not hold"]
    code, out, err = medbook("run", "alpha", "--profile", "smoke")
    assert (code, err) == (Exit.OK, [])
    assert any(line.startswith("  FAILS  four times") for line in out)
    assert "1 of 1 claims do not hold; they are conclusions of the book" in out[-1]


BAD_INPUT = {
    "unknown command": (["bild"], "there is no command 'bild': did you mean 'build'?"),
    "unknown chapter": (["run", "alfa"], "no chapter 'alfa': did you mean pixels/alpha?"),
    "unknown option": (["run", "alpha", "--fast"], "No such option '--fast'"),
    "no chapter": (["run"], "Missing argument 'CHAPTER'"),
    "unknown parameter": (["run", "alpha", "-p", "facto=1"], "'facto' of pixels/alpha; did you"),
    "no equals sign": (["run", "alpha", "-p", "factor"], "expected NAME=VALUE"),
    "wrong type": (["run", "alpha", "-p", "seed=one"], "seed = 'one': expected a int"),
    "out of range": (["run", "alpha", "-p", "factor=11"], "factor = 11.0 is out of range: 0 < x"),
    "unknown profile": (["run", "alpha", "--profile", "smok"], "did you mean 'smoke'?"),
    "missing file": (["run", "alpha", "-f", "none.yml"], "none.yml: there is no such file"),
    "bad YAML": (["run", "alpha", "-f", "bad.yml"], "bad.yml, line 1: bad YAML"),
    "not a mapping": (["run", "alpha", "-f", "list.yml"], "expected `name: value` lines"),
    "wrong type in YAML": (["run", "alpha", "-f", "type.yml"], "factor = 'two': expected a float"),
    "unknown in YAML": (["run", "alpha", "-f", "name.yml"], "unknown parameter 'facto'"),
    "output in no folder": (["run", "alpha", "-o", "no/x.ipynb"], "there is no folder"),
    "output is a folder": (["run", "alpha", "-o", "."], "is a folder"),
    "output is a device": (["run", "alpha", "-o", "/dev/null"], "/dev/null is a device or a pipe"),
    "parameters in a folder": (["run", "alpha", "-f", "."], ". is a folder, not a YAML file"),
    "parameters not in text": (["run", "alpha", "-f", "bytes.yml"], "not text in UTF-8 (byte 3)"),
    "jobs": (["build", "--jobs", "0"], "'--jobs'"),
    "no site": (["serve"], "there is no book yet: `medbook build` makes it"),
    "student of unknown": (["weave", "--student", "gama"], "there is no chapter 'gama'"),
}


@pytest.mark.parametrize(("words", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_clear_line_and_exit_code_two(medbook, words, message, tmp_path):
    for name, text in {
        "bad": "{",
        "list": "- 1",
        "type": "factor: two",
        "name": "facto: 1",
    }.items():
        (tmp_path / f"{name}.yml").write_text(text)
    (tmp_path / "bytes.yml").write_bytes(b"a: \xff")
    code, _, err = medbook(*words)
    assert code == Exit.USAGE
    assert len(err) == 1
    assert err[0].startswith("medbook: ")
    assert message in err[0]


def test_a_root_without_chapters_is_one_clear_line(tmp_path, capsys):
    assert main(["--root", str(tmp_path), "list"]) == Exit.USAGE
    assert "has no folder chapters/" in capsys.readouterr().err


def test_a_file_where_build_belongs_is_trouble_with_the_machine(book, capsys):
    book.chapter("pixels/alpha", "pass")
    book.write("build", "")
    assert main(["--root", str(book.root), "run", "alpha"]) == Exit.ENVIRONMENT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("medbook: a file stands where a folder belongs")


def test_an_unwritable_folder_is_one_clear_line(book):
    book.chapter("pixels/alpha", "pass")
    book.project.build.mkdir()
    book.project.build.chmod(0o555)
    before = []
    if os.geteuid() == 0:  # permissions do not bind root, unless it gives that power up
        if not shutil.which("setpriv"):
            pytest.skip("root, and there is no setpriv to become less")
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = book.medbook("run", "alpha", before=before)
    assert done.returncode == Exit.ENVIRONMENT
    (line,) = done.stderr.splitlines()
    assert line.startswith("medbook: may not write or read here: ")
    assert str(book.project.build) in line


def test_a_corrupt_record_does_not_stop_list_or_run(medbook, ready_book):
    record = ready_book.project.runs / "pixels" / "alpha" / "record.json"
    record.write_text("{")
    code, out, _ = medbook("list")
    assert code == Exit.OK
    assert "stale: its record.json cannot be used: not a readable run record" in out[0]
    assert medbook("run", "alpha")[0] == Exit.OK
    assert ready_book.stale() == {}


def test_debug_shows_the_traceback_from_anywhere(ready_book):
    quiet = ready_book.medbook("run", "alfa")
    loud = ready_book.medbook("run", "alfa", "--debug", cwd=ready_book.root)  # in its own process
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


def test_a_fault_of_ours_is_told_as_such(medbook, monkeypatch):
    def broken(*_):
        raise RuntimeError("oh")

    monkeypatch.setattr("press.run.chapter_run.freshness_of", broken)
    code, _, err = medbook("list")
    assert code == Exit.FAULT
    assert err == ["medbook: unexpected RuntimeError: oh (--debug shows where)"]


def test_help_teaches_every_verb_with_an_example_and_names_the_exit_codes(capsys):
    assert main(["--help"]) == Exit.OK
    text = capsys.readouterr().out
    for code, meaning in EXIT_MEANINGS.items():
        assert f"{int(code)}  {meaning}" in text
    context = cli.make_context("medbook", ["list"], resilient_parsing=True)
    for name in cli.list_commands(context):
        assert f"\n  {name} " in text
        assert main([name, "--help"]) == Exit.OK
        assert f"medbook {name}" in capsys.readouterr().out.split("Example")[1]


def test_nothing_heavy_is_imported_for_help():
    code = (
        "import sys, press.cli.main; press.cli.main.main(['--help']);"
        "heavy = {'papermill', 'nbformat', 'jupytext', 'torch', 'numpy', 'rich', 'pydantic'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_torch_is_imported_for_list(ready_book):
    code = (
        "import sys, press.cli.main;"
        f"press.cli.main.main(['--root', {str(ready_book.root)!r}, 'list']);"
        "sys.exit('torch' if 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reader_that_leaves_early_gets_no_complaint(ready_book):
    process = ready_book.start("list")
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert process.wait() != Exit.OK
    assert complaint == ""


def test_weave_writes_all_or_the_student_edition(medbook, ready_book):
    ready_book.edit(
        "chapters/pixels/alpha/alpha.py",
        "# %%\nrun.fin",
        '# %% tags=["solution"]\nsecret = 1\n\n# %%\nrun.fin',
    )
    code, out, _ = medbook("weave")
    assert code == Exit.OK
    assert out == ["build/notebooks/pixels/alpha.ipynb", "build/notebooks/pixels/beta.ipynb"]
    folder = ready_book.root / "handout"
    assert medbook("weave", "--student", "-o", str(folder), "alpha")[0] == Exit.OK
    assert os.listdir(folder / "pixels") == ["alpha.ipynb"]
    assert "secret" in (ready_book.project.notebooks / "pixels" / "alpha.ipynb").read_text()
    assert "secret" not in (folder / "pixels" / "alpha.ipynb").read_text()


def test_weaving_does_not_write_over_what_was_changed(medbook, ready_book):
    assert medbook("weave")[0] == Exit.OK
    assert medbook("weave")[0] == Exit.OK  # nobody touched it
    path = ready_book.project.notebooks / "pixels" / "alpha.ipynb"
    edited = path.read_text("utf-8").replace("Some prose.", "My own notes.")
    path.write_text(edited, "utf-8")
    ready_book.edit("chapters/pixels/beta/beta.py", "Some prose.", "Other prose.")
    code, out, err = medbook("weave")
    assert (code, out) == (Exit.USAGE, [])
    assert "build/notebooks/pixels/alpha.ipynb: changed since it was woven" in err[0]
    assert path.read_text("utf-8") == edited
    assert "Other prose." not in path.with_name("beta.ipynb").read_text("utf-8")
    assert medbook("weave", "--force")[0] == Exit.OK
    assert "My own notes." not in path.read_text("utf-8")


def test_an_executed_notebook_replaces_no_file_of_another_kind(medbook, ready_book):
    ready_book.write("notes.md", "mine")
    code, _, err = medbook("run", "alpha", "-o", str(ready_book.root / "notes.md"))
    assert code == Exit.USAGE
    assert "the name must end in .ipynb" in err[0]
    assert (ready_book.root / "notes.md").read_text() == "mine"


def test_a_companion_is_woven_and_done_again_like_a_chapter(medbook, ready_book):
    ready_book.chapter(
        "pixels/alpha/_point", "run.result('x', 1.0)\nrun.claim('one is one', True, margin=1)"
    )
    assert medbook("weave", "_point")[1] == ["build/notebooks/pixels/alpha/_point.ipynb"]
    ran = medbook("run", "_point")
    assert ran[0] == Exit.OK, "\n".join(ran[2])
    run = ready_book.project.runs / "pixels/alpha/_point"
    code, out, err = medbook("reproduce", str(run))
    assert (code, err) == (Exit.OK, []), out


def test_an_output_that_knows_no_greater_or_equal_gets_a_question_mark(ready_book):
    words = ready_book.command("params", "alpha")
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run(words, capture_output=True, env=latin, check=False)
    assert done.returncode == Exit.OK, done.stderr
    assert b"?" in done.stdout


def test_clean_removes_what_was_built_and_nothing_else(medbook, ready_book):
    assert medbook("run", "alpha", "-p", "factor=3")[0] == Exit.OK
    assert ready_book.project.adhoc_runs.is_dir()
    assert medbook("clean", "--runs")[0] == Exit.OK
    assert not ready_book.project.adhoc_runs.exists()
    assert ready_book.stale() == {}
    assert medbook("clean")[0] == Exit.OK
    assert set(ready_book.stale()) == {"pixels/alpha", "pixels/beta"}
    assert (ready_book.root / "chapters" / "pixels" / "alpha" / "alpha.py").is_file()


def test_serve_answers_on_this_machine_only(ready_book):
    site = ready_book.project.site
    site.mkdir(parents=True)
    (site / "index.html").write_text("the book")
    process = ready_book.start("serve", "--port", "0")
    try:
        address = process.stdout.readline().split()[-1]
        (socket,) = psutil.Process(process.pid).net_connections()
        assert address == f"http://127.0.0.1:{socket.laddr.port}/"
        assert socket.laddr.ip == "127.0.0.1"
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"the book"
    finally:
        process.terminate()
        process.communicate()
