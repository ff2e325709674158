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
    tree = _parse(python_of(cell))
    return _NOTHING if isinstance(tree, SyntaxError) else tree


def syntax_error(cell: Mapping) -> SyntaxError | None:
    """What keeps the cell's code from being Python."""
    tree = _parse(python_of(cell))
    return tree if isinstance(tree, SyntaxError) else None


_NOTHING = ast.Module(body=[], type_ignores=[])


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.Module | SyntaxError:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        return error


def imports_of(cell: Mapping) -> list[ast.Import | ast.ImportFrom]:
    """The imports in a cell, wherever they stand."""
    return _imports_and_calls(python_of(cell))[0]


def calls_of(cell: Mapping) -> list[tuple[str, ast.Call]]:
    """The calls in a cell, each with the name of what it calls, as it is written."""
    return _imports_and_calls(python_of(cell))[1]


@lru_cache(maxsize=4096)
def _imports_and_calls(
    text: str,
) -> tuple[list[ast.Import | ast.ImportFrom], list[tuple[str, ast.Call]]]:
    tree = _parse(text)
    nodes = [] if isinstance(tree, SyntaxError) else [*ast.walk(tree)]
    calls = [(written(node.func), node) for node in nodes if isinstance(node, ast.Call)]
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)], calls


def written(node: ast.expr) -> str:
    """An expression as it is written.

    >>> written(ast.parse("a.b.c").body[0].value), written(ast.parse("a().b[0]").body[0].value)
    ('a.b.c', 'a().b[0]')
    """
    parts, inner = [], node
    while isinstance(inner, ast.Attribute):  # most are such a chain, which `unparse` is slow at
        parts.append(inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        return ".".join([inner.id, *reversed(parts)])
    return ast.unparse(node)


def lesson_lines(cell: Mapping) -> int:
    """The lines of a cell that a reader must follow.

    Not counted: blank lines, comments, imports, and all but the first line of a call that shows or
    says something, since what stands there is words for the reader, not code.
    """
    return _lesson_lines(python_of(cell))


@lru_cache(maxsize=4096)
def _lesson_lines(text: str) -> int:
    skipped: set[int] = set()
    imports, calls = _imports_and_calls(text)
    for node in imports:
        skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for name, call in calls:
        if name in SHOWING:
            skipped |= set(range(call.lineno + 1, (call.end_lineno or call.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in skipped
        for number, line in enumerate(text.splitlines(), start=1)
    )
