"""The cells of a notebook as the checks read them: source, tags, code."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache

SHOWING = {"run.figure", "run.frames", "run.table", "run.say", "run.claim", "run.result"}


def source_of(cell: Mapping) -> str:
    """A cell's source as one text."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Mapping) -> Set[str]:
    """A cell's tags, a set that keeps their order."""
    return dict.fromkeys(cell.get("metadata", {}).get("tags", [])).keys()


def code_cells(cells: Sequence[Mapping]) -> list[tuple[int, Mapping]]:
    """The code cells that hold any code, each with its place among all cells, counted from 1."""
    return [
        (index, cell)
        for index, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code" and source_of(cell).strip()
    ]


def python_of(cell: Mapping) -> str:
    """The cell's code with IPython's magics blanked, so that `ast` can read it."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source_of(cell), flags=re.M)


def parse_cell(cell: Mapping) -> ast.Module:
    """The cell's syntax tree; an empty one where it is not Python (another lint says so).

    Every lint asks for it, so that it is kept: look, and change nothing.
    """
    return _parse(python_of(cell))


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def lesson_lines(cell: Mapping) -> int:
    """The lines of a cell that a reader must follow.

    Not counted: blank lines, comments, imports, and all but the first line of a call that shows or
    says something, since what stands there is words for the reader, not code.
    """
    return _lesson_lines(python_of(cell))


@lru_cache(maxsize=4096)
def _lesson_lines(text: str) -> int:
    skipped: set[int] = set()
    for node in ast.walk(_parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in SHOWING:
            skipped |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in skipped
        for number, line in enumerate(text.splitlines(), start=1)
    )
