"""Exercises are answered under the press, in a woven notebook and in the student edition."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from tests.press.conftest import TinyBook

SHEET = """
from medlib.experiment.exercises import Number

EXERCISES = [
    Number(
        name="twice", asks="a number", answer=lambda known: 2 * known["value"], tolerance=0.1,
        otherwise="take what was measured two times", hints=["add it up", "to itself"],
        solution="What was measured is four, so that twice as much is $8$.",
    ),
]
"""
CHECK = """

# %% tags=["self-check"]
answer = None  # twice the value
run.check("twice", answer)
"""
ASKED = [
    'run.check("twice", 8)',
    'run.check("twice", 4)',
    'run.check("twice", "8")',
    'run.hint("twice")',
    'run.check("thrice", 8)',
]


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> TinyBook:
    """One executed chapter with an exercise that rests on a result of its run."""
    from tests.press.conftest import make_book

    book = make_book(tmp_path_factory.mktemp("exercises"))
    book.chapter("pixels/alpha", 'run.result("value", 2 * factor)')
    source = Path(book.root / "chapters/pixels/alpha/alpha.py")
    source.write_text(source.read_text() + CHECK)
    book.write("chapters/pixels/alpha/exercises.py", SHEET)
    (outcome,) = book.run("pixels/alpha")
    assert outcome.failure is None, outcome.failure
    return book


def said(notebook: Path) -> list[str]:
    """What the cells below the run's end printed."""
    cells = nbformat.read(notebook, as_version=4).cells
    checks = [c for c in cells if c.source.startswith(("answer =", "run.check", "run.hint"))]
    return [cell.outputs[0]["data"]["text/markdown"] for cell in checks]


def execute(book: TinyBook, *, student: bool, folder: Path, library: Path) -> list[str]:
    """Weave, ask more, run with plain papermill in `folder`."""
    words = ["weave", "alpha", "-o", str(folder / "out"), *(["--student"] if student else [])]
    done = book.medbook(*words)
    assert done.returncode == 0, done.stderr
    path = folder / "out" / "pixels" / "alpha.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += [new_code_cell(source) for source in ASKED]
    nbformat.write(notebook, path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MEDBOOK_")}
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(path), str(folder / "mine.ipynb")],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return said(folder / "mine.ipynb")


OPEN = "**Not yet.** Type your answer in place of `None` and run the cell again."
ANSWERED = [
    OPEN,
    "**Right.**",
    "**Not yet.** Take what was measured two times.",
    "**Not yet.** This is a text; give the number alone, without quotes.",
    "**Hint 1 of 2.** Add it up.",
]


def test_the_press_runs_it_with_the_answer_open(book):
    notebook = book.root / "build" / "runs" / "pixels" / "alpha" / "notebook.ipynb"
    assert said(notebook) == [OPEN]


def test_a_woven_notebook_answers_wherever_it_lies(book, tmp_path):
    found = execute(book, student=False, folder=tmp_path, library=book.root)
    assert found[:5] == ANSWERED
    assert found[5].startswith("**Cannot be checked:** pixels/alpha has no exercise 'thrice'")


def test_a_student_edition_answers_in_a_checkout_of_which_the_library_is_not_part(book, tmp_path):
    elsewhere = tmp_path / "library"
    shutil.copytree(book.root / "medlib", elsewhere / "medlib")
    folder = book.root / "handout"
    folder.mkdir()
    assert execute(book, student=True, folder=folder, library=elsewhere)[:5] == ANSWERED


def test_without_a_checkout_it_says_so(book, tmp_path):
    elsewhere = tmp_path / "library"
    shutil.copytree(book.root / "medlib", elsewhere / "medlib")
    found = execute(book, student=True, folder=tmp_path, library=elsewhere)
    assert all("set MEDBOOK_ROOT to the checkout's folder" in words for words in found)


@pytest.mark.parametrize("edition", [[], ["--student"]], ids=["woven", "student"])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Some prose.", "What was measured is four, so that twice", "the solution of exercise"),
        ("answer = None", "answer = 8.0", "the answer to 'twice' is not left open"),
    ],
)
def test_no_notebook_is_woven_in_which_an_answer_can_be_read(
    book, tmp_path, edition, old, new, said
):
    shutil.copytree(book.root, tmp_path / "copy")
    from press.source.project import Project

    copy = TinyBook(Project(tmp_path / "copy"))
    copy.edit("chapters/pixels/alpha/alpha.py", old, new)
    done = copy.medbook("weave", "alpha", "-o", str(tmp_path / "out"), *edition)
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "out" / "pixels" / "alpha.ipynb").exists()


def test_the_press_stops_at_an_exercise_that_is_not_there(book, tmp_path):
    shutil.copytree(book.root, tmp_path / "copy")
    from press.source.project import Project

    copy = TinyBook(Project(tmp_path / "copy"))
    copy.edit("chapters/pixels/alpha/alpha.py", 'run.check("twice"', 'run.check("twise"')
    (outcome,) = copy.run("pixels/alpha")
    assert "did you mean 'twice'" in " ".join((outcome.failure.line, *outcome.failure.details))
