"""What a page asks of its reader: no tool's marks on it, no helper that means something else later.

The first is an error in every chapter, the second a note.
"""

from __future__ import annotations

import re
import symtable
from collections.abc import Iterator, Mapping, Sequence

from press.source.cells import code_cells, python_of, source_of, tags_of

EXERCISE_TAGS = {"self-check", "solution"}
_MARKER = re.compile(
    r"#\s*((?:fmt|yapf|isort|ruff|pylint|mypy):[^#]*|noqa\b[^#]*|type:\s*ignore.*)"
)
_RUNS_AT_ONCE = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def lint_markers(cells: Sequence[Mapping]) -> Iterator[str]:
    """Marks for formatters and linters, which the page would print."""
    for index, cell in code_cells(cells):
        for number, line in enumerate(source_of(cell).splitlines(), start=1):
            if match := _MARKER.search(line):
                yield (
                    f"cell {index}, line {number}: the mark {match.group(0).strip()!r} would be"
                    " printed on the page; no formatter touches a chapter (lay it out by hand),"
                    " and what a linter says is mended"
                )


def lint_late_globals(cells: Sequence[Mapping]) -> Iterator[str]:
    """Helpers that read a name which a later cell assigns: they change their meaning down the page.

    Cells of exercises may assign what they like: nothing that is taught follows them.
    """
    tables = []
    for index, cell in code_cells(cells):
        if tags_of(cell) & EXERCISE_TAGS:
            continue
        try:
            tables.append((index, symtable.symtable(python_of(cell), f"cell {index}", "exec")))
        except SyntaxError:  # another lint says so
            continue
    assigned = {index: _assigned(table) for index, table in tables}
    for index, table in tables:
        for helper, name in sorted(set(_reads(table))):
            later = [other for other in assigned if other > index and name in assigned[other]]
            if later:
                again = " again" if _known_before(assigned, index, name) else ""
                yield (
                    f"cell {index}: {helper} reads the global {name!r}, which cell {later[0]} below"
                    f" assigns{again}; hand it in as an argument, or assign it once, above"
                )


def _known_before(assigned: Mapping[int, set[str]], index: int, name: str) -> bool:
    return any(other <= index and name in names for other, names in assigned.items())


def _assigned(table: symtable.SymbolTable) -> set[str]:
    """The globals that a cell assigns, imports or defines."""
    names = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    for child in _nested(table):
        names |= {
            symbol.get_name()
            for symbol in child.get_symbols()
            if symbol.is_declared_global() and symbol.is_assigned()
        }
    return names


def _reads(table: symtable.SymbolTable) -> Iterator[tuple[str, str]]:
    """(helper, global) for each global that a function or lambda of the cell reads."""
    for child in table.get_children():
        runs_now = child.get_type() == "class" or child.get_name() in _RUNS_AT_ONCE
        if not runs_now:
            name = child.get_name()
            helper = "a lambda" if name == "lambda" else f"{name}()"
            for inner in (child, *_nested(child)):
                for symbol in inner.get_symbols():
                    if symbol.is_global() and symbol.is_referenced():
                        yield helper, symbol.get_name()
        else:
            yield from _reads(child)


def _nested(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _nested(child)
