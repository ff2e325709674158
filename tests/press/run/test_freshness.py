"""A chapter is executed again when something that can change its outputs has, and only then."""

import json

import nbformat
import pytest

from medlib.experiment.arithmetic import arithmetic_variables
from press.run.execute import Outcome
from press.run.freshness import State
from press.source.weave import merge_outputs, weave

ALPHA, BETA = "chapters/pixels/alpha/alpha.py", "chapters/pixels/beta/beta.py"


def test_after_a_run_everything_is_fresh(ready_book):
    assert ready_book.stale() == {}


def test_a_new_chapter_was_never_run(ready_book):
    ready_book.chapter("pixels/gamma", "")
    assert ready_book.state("pixels/gamma").state is State.NEVER_RUN
    assert list(ready_book.stale()) == ["pixels/gamma"]


def test_an_edit_of_prose_executes_nothing_and_reaches_the_page(ready_book):
    ready_book.edit(ALPHA, "Some prose.", "Better prose, and a new paragraph.\n#\n# It is here.")
    ready_book.edit(ALPHA, "# %% [markdown]\n# ## The work\n", "")
    assert ready_book.stale() == {}
    source = weave(ready_book.root / ALPHA)
    executed = nbformat.read(
        ready_book.project.runs / "pixels" / "alpha" / "notebook.ipynb", as_version=4
    )
    page = merge_outputs(source, executed)
    assert "Better prose" in page.cells[0].source
    assert "The work" not in "".join(cell.source for cell in page.cells)
    printed = [o.text for c in page.cells for o in c.get("outputs", []) if o.get("name")]
    assert "alpha ran\n" in printed


def test_an_edit_of_tags_executes_nothing(ready_book):
    ready_book.edit(ALPHA, "# %%\nrun.finish", '# %% tags=["hide-input"]\nrun.finish')
    assert ready_book.stale() == {}


def test_an_edit_of_code_executes_its_chapter(ready_book):
    ready_book.edit(ALPHA, "alpha ran", "alpha runs")
    assert ready_book.stale() == {"pixels/alpha": ("its code cells changed",)}


@pytest.mark.parametrize("file", ["double", "quadruple"])
def test_an_edit_of_a_library_file_executes_its_chapters_only_transitively(ready_book, file):
    path = f"medlib/pixels/{file}.py"
    ready_book.edit(path, "return", "return 1 *")
    assert ready_book.stale() == {"pixels/alpha": (f"{path} changed",)}


def test_an_edit_of_a_library_file_that_none_imports_executes_nothing(ready_book):
    ready_book.write("medlib/pixels/unused.py", "x = 1\n")
    assert ready_book.stale() == {}


def test_an_edit_of_a_file_that_all_import_executes_all(ready_book):
    ready_book.write("medlib/__init__.py", "# changed\n")
    why = ("medlib/__init__.py changed",)
    assert ready_book.stale() == {"pixels/alpha": why, "pixels/beta": why}


def test_a_library_file_that_is_gone_is_named(ready_book):
    (ready_book.root / "medlib/pixels/double.py").unlink()
    assert ready_book.stale() == {"pixels/alpha": ("medlib/pixels/double.py is gone",)}


def test_a_changed_parameter_executes_and_is_named(ready_book):
    ready_book.edit(ALPHA, "factor: float = 2.0", "factor: float = 2.5")
    reasons = ready_book.state("pixels/alpha").reasons
    assert "parameter factor was 2.0, is 2.5" in reasons


def test_changed_data_execute_the_chapter_that_reads_them(ready_book):
    ready_book.write("data.txt", "4\n")
    assert ready_book.stale() == {"pixels/beta": ("data numbers changed",)}


def test_changed_constraints_execute_all(ready_book):
    ready_book.write("constraints.txt", "numpy==2.5.0\n")
    why = ("constraints.txt changed",)
    assert ready_book.stale() == {"pixels/alpha": why, "pixels/beta": why}


def test_another_python_executes_all(ready_book, monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    (reason,) = ready_book.state("pixels/alpha").reasons
    assert reason.endswith("is 3.99.0")


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 99}', '{"schema_version": 1}'])
def test_a_corrupt_record_is_stale_and_says_so(ready_book, content):
    folder = ready_book.project.runs / "pixels" / "alpha"
    (folder / "record.json").write_text(content)
    (reason,) = ready_book.state("pixels/alpha").reasons
    assert reason.startswith("its record.json cannot be used: ")
    assert "\n" not in reason


def test_a_library_file_that_changes_while_the_chapter_runs_leaves_it_stale(book):
    book.write("medlib/pixels/moving.py", "x = 1\n")
    book.chapter(
        "pixels/racer",
        "from pathlib import Path\nPath(moving.__file__).write_text('x = 2\\n')",
        imports="from medlib.pixels import moving",
    )
    (outcome,) = book.run("pixels/racer")
    assert outcome.warnings == (
        "pixels/racer: medlib/pixels/moving.py changed while it ran: it is stale",
    )
    assert book.stale() == {"pixels/racer": ("medlib/pixels/moving.py changed while it ran",)}


def test_running_the_stale_chapter_makes_the_book_fresh_with_the_new_value(ready_book):
    ready_book.edit("medlib/pixels/double.py", "2 * x", "3 * x")
    (outcome,) = ready_book.run("pixels/alpha")
    assert isinstance(outcome, Outcome)
    assert outcome.ok
    assert ready_book.stale() == {}
    record = json.loads((ready_book.project.runs / "pixels" / "alpha" / "record.json").read_text())
    assert [r["value"] for r in record["results"]] == [18.0]


def test_a_run_with_another_arithmetic_is_stale(ready_book, monkeypatch):
    for name in arithmetic_variables():
        monkeypatch.delenv(name)
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert ready_book.stale() == {}
    monkeypatch.setenv("MEDBOOK_KEEP_ARITHMETIC", "1")
    reasons = ("ATEN_CPU_CAPABILITY is new, default",)
    assert ready_book.stale() == {"pixels/alpha": reasons, "pixels/beta": reasons}
