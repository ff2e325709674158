"""The rules of the reader's path, each on cells that break it and on cells that do not."""

import jupytext
import pytest

from press.check.lint import lint_notebook
from press.check.reader_path import lint_late_globals, lint_markers
from tests.press.whole_chapter import whole_chapter


def cells_of(*sources, tags=()):
    text = "\n".join(f"# %%\n{source}\n" for source in sources)
    cells = jupytext.reads(text, fmt="py:percent").cells
    for place in tags:
        cells[place].metadata["tags"] = ["self-check"]
    return cells


@pytest.mark.parametrize(
    "line",
    ["x = [1,2]  # fmt: skip", "# fmt: off", "import os  # noqa: F401", "# ruff: noqa", "#fmt:on"],
)
def test_a_tools_mark_is_refused_where_it_stands(line):
    (found,) = lint_markers(cells_of("a = 1", f"b = 2\n{line}"))
    assert found.startswith("cell 2, line 2: the mark '#")
    assert "would be printed on the page" in found


def test_words_are_no_marks():
    assert list(lint_markers(cells_of("# the format: skip it\nx = 1  # formats differ"))) == []


def test_a_mark_fails_the_chapter_and_a_late_global_is_a_note():
    ramp = "ramp = np.linspace"
    source = whole_chapter("pixels/whole")
    marked = source.replace("np.ones((size, 1))", "np.ones((size, 1))  # fmt: skip")
    notebook = jupytext.reads(marked, fmt="py:percent")
    (found,) = lint_notebook(notebook, chapter="pixels/whole")
    assert (found.severity, "'# fmt: skip'" in found.message) == ("error", True)
    late = source.replace(ramp, f"tall = lambda: noises\n{ramp}") + "\n# %%\nnoises = 1\n"
    late = late.replace("run.finish()\n", "").replace("noises = 1", "noises = 1\nrun.finish()")
    (found,) = lint_notebook(jupytext.reads(late, fmt="py:percent"), chapter="pixels/whole")
    assert found.severity == "note"
    assert "1 times a helper reads what is assigned below it" in found.message


LATE = {
    "a function": ("def draw():\n    return scores", "draw()", "draw() reads the global 'scores'"),
    "a lambda": ("draw = lambda: scores", "draw()", "a lambda reads the global 'scores'"),
    "a method": (
        "class A:\n    def draw(self):\n        return scores",
        "A().draw()",
        "draw() reads the global 'scores'",
    ),
    "an inner function": (
        "def outer():\n    def inner():\n        return scores\n    return inner",
        "outer()",
        "outer() reads the global 'scores'",
    ),
    "a lambda in a list": (
        "draws = [lambda: scores for _ in range(2)]",
        "draws",
        "a lambda reads the global 'scores'",
    ),
    "a comprehension in a function": (
        "def draw():\n    return [s for s in scores]",
        "draw()",
        "draw() reads the global 'scores'",
    ),
    "an attribute": ("def draw():\n    return scores.mean()", "draw()", "'scores'"),
}


@pytest.mark.parametrize("name", LATE)
def test_a_helper_that_reads_what_a_later_cell_assigns_is_named(name):
    helper, use, says = LATE[name]
    (found,) = lint_late_globals(cells_of(helper, "scores = 1", use))
    assert found.startswith("cell 1: ")
    assert says in found
    assert "which cell 2 below assigns;" in found


@pytest.mark.parametrize(
    "assign",
    ["scores: int = 1", "for scores in range(3):\n    pass", "import scores", "scores += 1",
     "def scores():\n    pass", "with open('x') as scores:\n    pass", "(scores := 3)"],
)  # fmt: skip
def test_every_way_to_assign_counts(assign):
    assert len(list(lint_late_globals(cells_of("def draw():\n    return scores", assign)))) == 1


def test_a_global_assigned_again_below_is_named_too():
    (found,) = lint_late_globals(cells_of("rng = 1", "def draw():\n    return rng", "rng = 2"))
    assert "cell 2: draw() reads the global 'rng', which cell 3 below assigns again" in found


@pytest.mark.parametrize(
    "cells",
    [
        ("scores = 1", "def draw():\n    return scores"),
        ("def draw(scores):\n    return scores", "scores = 1"),
        ("def draw():\n    scores = 2\n    return scores", "scores = 1"),
        ("x = [scores for scores in range(3)]", "scores = 1"),
        ("def draw(n=len('a')):\n    return max(n, 1)", "n = 1"),
        ("def draw():\n    return draw", "x = 1"),
        ("%matplotlib inline\ndef draw():\n    return np", "x = 1"),
        ("def draw(:\n", "scores = 1"),
    ],
)
def test_what_is_known_above_or_local_is_no_fault(cells):
    assert list(lint_late_globals(cells_of(*cells))) == []


def test_exercises_may_assign_what_they_like():
    cells = cells_of("def draw():\n    return rng", "rng = 2", tags=[1])
    assert list(lint_late_globals(cells)) == []
