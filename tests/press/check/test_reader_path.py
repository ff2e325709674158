"""The rules of the reader's path, each on cells that break it and on cells that do not."""

import jupytext
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.check.lint import lint_notebook
from press.check.reader_path import (
    lint_deeper,
    lint_late_globals,
    lint_markers,
    lint_reader_path,
)
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


def test_a_mark_fails_the_chapter():
    source = whole_chapter("pixels/whole")
    marked = source.replace("np.ones((size, 1))", "np.ones((size, 1))  # fmt: skip")
    notebook = jupytext.reads(marked, fmt="py:percent")
    findings = lint_notebook(notebook, chapter="pixels/whole", exercises={})
    (found,) = [finding for finding in findings if "would be" in finding.message]
    assert (found.severity, "'# fmt: skip'" in found.message) == ("error", True)


WORDS = "Words that explain. " * 60
CODE = "\n".join(f"x{i} = {i}" for i in range(9))


def path_notebook(*code, words=WORDS, declared=True, tags=("key",)):
    cells = [new_markdown_cell(words)]
    cells += [new_code_cell(source, metadata={"tags": list(tags)}) for source in code]
    metadata = {"medbook": {"reader_path": True}} if declared else {}
    return new_notebook(cells=cells, metadata=metadata)


def test_a_page_of_few_lines_and_many_words_is_on_the_path():
    assert lint_reader_path(path_notebook(CODE, CODE)) == ([], [])


PATH_FAULTS = {
    "too many lines": (
        path_notebook(*[CODE] * 28, words=WORDS * 40),
        "252 lines of code stand open, at most 250",
    ),
    "too few words": (path_notebook(*[CODE] * 3), "6.7 words of prose to a visible line"),
    "a cell of two lines": (path_notebook("a = 1\n\nb = 2"), "cell 2: 2 lines, tagged key"),
    "a cell of thirteen": (
        path_notebook("\n".join(f"x{i} = {i}" for i in range(13))),
        "cell 2: 13 lines, tagged key",
    ),
    "key and hidden": (
        path_notebook(CODE, tags=("key", "hide-input")),
        'cell 2: tagged "key" and "hide-input"',
    ),
    "a late global": (
        path_notebook("def f():\n    a = b\n    return a", "b = 1\nc = 2\nd = 3"),
        "cell 2: f() reads the global 'b'",
    ),
}


@pytest.mark.parametrize("name", PATH_FAULTS)
def test_a_chapter_on_the_path_is_held_to_it(name):
    notebook, says = PATH_FAULTS[name]
    wrong, notes = lint_reader_path(notebook)
    assert notes == []
    assert len(wrong) == 1
    assert says in wrong[0]


def test_any_other_is_told_in_one_note_how_far_it_has_to_go():
    late = ["def f():\n    return b", "b = 1"]
    notebook = path_notebook(*late, *[CODE] * 28, declared=False, tags=())
    wrong, (note,) = lint_reader_path(notebook)
    assert wrong == []
    assert note.startswith("not on the reader's path yet: 255 lines of code stand open")
    assert "0.7 words of prose to a visible line" in note
    assert "1 times a helper reads what is assigned below it (cell 2: f() reads" in note


def test_key_cells_without_the_declaration_are_an_error():
    (wrong,), _ = lint_reader_path(path_notebook(CODE, declared=False))
    assert "`medbook: {reader_path: true}`" in wrong


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (":::{dropdown} Deeper: why\n:class-container: deeper\nBecause.\n:::", 0),
        ("```{dropdown} *Deeper*\n:open:\n:class-container: deeper x\nBecause.\n```", 0),
        (":::{dropdown} Data\nTables.\n:::", 0),
        (":::{dropdown} Deeper: why\nBecause.\n:::", 1),
        (":::{dropdown} Why\n:class-container: deeper\nBecause.\n:::", 1),
        (":::{admonition} Deeper: why\n:class: dropdown\nBecause.\n:::", 1),
    ],
)
def test_deeper_is_a_title_and_a_class(text, faults):
    found = list(lint_deeper([new_markdown_cell(text)]))
    assert len(found) == faults
    assert all("write :::{dropdown} Deeper: what it holds" in fault for fault in found)


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
