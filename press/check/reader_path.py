"""The reader's path: a page shows what teaches, and no more code than its reader can follow.

No tool's mark stands in a chapter, and a drop-down called *Deeper* is one. A chapter that declares
itself on the path (`press.source.reading`) is held to the rest as well: few visible lines, cells of
a few lines, much more prose than code, no helper that means something else further down. Any other
is told in one note how far it has to go.
"""

from __future__ import annotations

import re
import symtable
from collections.abc import Iterator, Mapping, Sequence

from press.source.cells import code_cells, lesson_lines, python_of, source_of, tags_of
from press.source.reading import (
    DEEPER_CLASS,
    KEY_TAG,
    on_reader_path,
    reading_of,
    visible_lines,
)

MAX_LINES, MIN_WORDS_PER_LINE = 250, 9
MIN_CELL_LINES, MAX_CELL_LINES = 3, 12
HIDING_TAGS = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
EXERCISE_TAGS = {"self-check", "solution"}
_MARKER = re.compile(
    r"#\s*((?:fmt|yapf|isort|ruff|pylint|mypy):[^#]*|noqa\b[^#]*|type:\s*ignore.*)"
)
_RUNS_AT_ONCE = {"listcomp", "setcomp", "dictcomp", "genexpr"}


def lint_reader_path(notebook: Mapping) -> tuple[list[str], list[str]]:
    """What is wrong, and what is only worth a note."""
    cells = list(notebook["cells"])
    wrong = [*lint_markers(cells), *lint_deeper(cells)]
    amounts, late = list(_lint_amounts(notebook)), list(lint_late_globals(cells))
    if on_reader_path(notebook):
        return [*wrong, *amounts, *_lint_key_cells(cells), *late], []
    if any(KEY_TAG in tags_of(cell) for _, cell in code_cells(cells)):
        wrong.append(
            'cells are tagged "key", but the header does not say `medbook: {reader_path: true}`;'
            " say it, or all other cells stand open as well"
        )
    if late:
        amounts.append(f"{len(late)} times a helper reads what is assigned below it ({late[0]})")
    return wrong, [f"not on the reader's path yet: {'; '.join(amounts)}"] if amounts else []


def _lint_amounts(notebook: Mapping) -> Iterator[str]:
    reading = reading_of(notebook)
    if reading.lines > MAX_LINES:
        yield f"{reading.lines} lines of code stand open, at most {MAX_LINES}; fold or move some"
    if reading.words_per_line < MIN_WORDS_PER_LINE:
        yield (
            f"{reading.words_per_line:.1f} words of prose to a visible line of code, at least"
            f" {MIN_WORDS_PER_LINE}: explain more, or show less"
        )


def _lint_key_cells(cells: Sequence[Mapping]) -> Iterator[str]:
    for index, cell in code_cells(cells):
        tags = tags_of(cell)
        if KEY_TAG not in tags:
            continue
        if hiding := tags & HIDING_TAGS:
            yield f'cell {index}: tagged "key" and "{sorted(hiding)[0]}"; it is one or the other'
        if visible_lines(cell) < MIN_CELL_LINES:
            yield (
                f"cell {index}: {visible_lines(cell)} lines, tagged key; a cell that teaches has"
                f" {MIN_CELL_LINES} to {MAX_CELL_LINES}: join it with its neighbour, or fold it"
            )
        if lesson_lines(cell) > MAX_CELL_LINES:
            yield (
                f"cell {index}: {lesson_lines(cell)} lines, tagged key; a cell that teaches has"
                f" {MIN_CELL_LINES} to {MAX_CELL_LINES}: split it, with a word in between"
            )


_DROPDOWN = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\s*\{(?:dropdown|admonition)\}[ \t]*(?P<title>[^\n]*)\n"
    r"(?P<options>(?:\s*:[\w-]+:[^\n]*\n)*)",
    re.M,
)
_DEEPER = re.compile(r"^deeper\b", re.I)


def lint_deeper(cells: Sequence[Mapping]) -> Iterator[str]:
    """A drop-down for what not every reader needs is titled *Deeper: ...* and of that class."""
    for index, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "markdown":
            continue
        for match in _DROPDOWN.finditer(source_of(cell)):
            named = _DEEPER.match(match["title"].strip("* ")) is not None
            styled = re.search(
                rf"^\s*:class-container:.*\b{DEEPER_CLASS}\b", match["options"], re.M
            )
            if named != bool(styled):
                yield (
                    f"cell {index}: the drop-down {match['title'].strip()!r} is half a Deeper;"
                    " write :::{dropdown} Deeper: what it holds, and below it"
                    " :class-container: deeper"
                )


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
