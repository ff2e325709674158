"""A sheet is found through the chapter's name, read, and asked in a run."""

import re

import pytest

from medlib.experiment import environment
from medlib.experiment.exercise_sheet import Desk, SheetError, find_sheet, read_sheet
from medlib.experiment.exercises import Known
from medlib.experiment.run import Run

SHEET = """
from medlib.experiment.exercises import Choice, Number

EXERCISES = [
    Number(
        name="two", asks="a number", answer=lambda known: known["factor"], tolerance=0.1,
        otherwise="count your fingers again", hints=["more than one", "less than three"],
        solution="It is $2$.",
    ),
]
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one sheet, named by MEDBOOK_ROOT."""
    path = tmp_path / "chapters" / "pixels" / "alpha" / "exercises.py"
    path.parent.mkdir(parents=True)
    path.write_text(SHEET)
    monkeypatch.setenv("MEDBOOK_ROOT", str(tmp_path))
    return path


@pytest.fixture
def run(monkeypatch):
    monkeypatch.delenv("MEDBOOK_STRICT", raising=False)
    return Run("pixels/alpha", {"seed": 0, "factor": 2.0})


def test_a_run_answers(checkout, run, capsys):
    for answer in (2, 3, None, "2", [2], float("nan")):
        run.check("two", answer)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["**Right.**", "**Not yet.** Count your fingers again."]
    assert all(line.startswith("**Not yet.**") for line in said[2:])
    assert len(said) == 6


def test_hints_come_one_by_one(checkout, run, capsys):
    for _ in range(3):
        run.hint("two")
    run.solution("two")
    assert capsys.readouterr().out.splitlines() == [
        "**Hint 1 of 2.** More than one.",
        "**Hint 2 of 2.** Less than three.",
        "**No more hints.** More than one. Less than three. `run.solution('two')` shows the"
        " solution.",
        "It is $2$.",
    ]


def test_an_unknown_exercise_names_the_nearest(checkout, run, capsys, monkeypatch):
    run.check("twoo", 2)
    assert "pixels/alpha has no exercise 'twoo'; did you mean 'two'?" in capsys.readouterr().out
    monkeypatch.setenv("MEDBOOK_STRICT", "1")
    with pytest.raises(SheetError, match="did you mean 'two'"):
        Run("pixels/alpha", {"seed": 0}).check("twoo", None)


def test_the_books_own_run_prints_nothing_that_follows_from_the_sheet(
    checkout, capsys, monkeypatch
):
    checkout.write_text(SHEET.replace("EXERCISES = [", CODE + "EXERCISES = [PLUS,"))
    monkeypatch.setenv("MEDBOOK_STRICT", "1")
    run = Run("pixels/alpha", {"seed": 0, "factor": 2.0})
    run.check("two", None)
    run.check("plus", lambda x: x, given={"x": 1})
    assert capsys.readouterr().out.splitlines() == 2 * [
        "**Not yet.** Type your answer in place of `None` and run the cell again."
    ]
    run.check("two", 3)
    assert capsys.readouterr().out == "**Not yet.** Count your fingers again.\n"
    with pytest.raises(SheetError, match="exercise 'plus': the check needs x"):
        run.check("plus", None)


CODE = """
from medlib.experiment.exercises import Code

PLUS = Code(
    name="plus", asks="a function", check=lambda answer, scene: "it shall not be asked",
    example=lambda scene: None, needs=("x",), hints=[], solution="", wrong=[],
)
"""


def test_without_a_checkout_it_says_what_helps(run, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBOOK_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run.check("two", 2)
    said = capsys.readouterr().out
    assert said.startswith("**Cannot be checked:**")
    assert "set MEDBOOK_ROOT to the checkout's folder" in said


def test_it_is_found_from_any_folder_of_the_checkout(checkout, tmp_path, monkeypatch):
    monkeypatch.delenv("MEDBOOK_ROOT")
    monkeypatch.setattr(environment, "project_root", lambda: tmp_path / "site-packages")
    monkeypatch.chdir(checkout.parent)
    assert find_sheet("pixels/alpha") == checkout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "holds no list EXERCISES"),
        ("EXERCISES = []", "holds no list EXERCISES"),
        ("EXERCISES = [3]", "EXERCISES, 1: int, not Number, Choice or Code"),
        (SHEET.replace("EXERCISES = [", "EXERCISES = 2 * ["), "two exercises are called 'two'"),
        ("EXERCISES = 1 / 0", "stops with ZeroDivisionError"),
        ("EXERCISES = [", "stops with SyntaxError"),
    ],
)
def test_a_wrong_sheet_is_one_clear_line(tmp_path, text, said):
    path = tmp_path / "exercises.py"
    path.write_text(text)
    with pytest.raises(SheetError, match=re.escape(said)):
        read_sheet(path)
    with pytest.raises(SheetError, match="cannot be read"):
        read_sheet(tmp_path / "none.py")


def test_the_sheet_leaves_nothing_behind(checkout):
    desk = Desk("pixels/alpha", lambda: Known({"factor": 2.0}, {}), strict=False)
    desk.check("two", 2)
    assert [path.name for path in checkout.parent.iterdir()] == ["exercises.py"]
