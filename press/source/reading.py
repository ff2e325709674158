"""How much there is to read in a chapter: words, visible lines of code, figures, exercises.

A chapter that declares in its header that it is on the *reader's path*,

    # jupyter:
    #   medbook:
    #     reader_path: true

shows the code cells tagged "key" and folds all others away. In a chapter that has not come so far
every cell that is not folded by hand counts as key. Everything here is read from the source alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from press.source.cells import calls_of, code_cells, source_of, tags_of

KEY_TAG, EXERCISE_TAG = "key", "self-check"
FOLDED_TAGS = {"hide-input", "hide-cell", "remove-input", "remove-cell", "parameters"}
WORDS_PER_MINUTE, LINES_PER_MINUTE = 160, 10
MINUTES_PER_FIGURE, MINUTES_PER_EXERCISE = 1, 4
DEEPER_CLASS = "deeper"

_FENCE = re.compile(r"^\s*(?P<mark>`{3,}|~{3,}|:{3,})\s*(?:\{(?P<kind>[\w:-]+)\}\s*(?P<head>.*))?")
_DEEPER_OPTION = re.compile(rf"^\s*:(?:class|class-container):.*\b{DEEPER_CLASS}\b")
_FORMULAS = (
    re.compile(r"\$\$.*?\$\$", re.S),
    re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.S),
    re.compile(r"(?<![\\$])\$(?!\s)[^$]*?(?<!\s)\$(?!\d)"),
)
_NO_WORDS = (
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"\]\([^)\s]*\)"),
    re.compile(r"\{[\w:]+\}`[^`]*`"),
    re.compile(r"https?://\S+"),
    re.compile(r"^\s*:[\w-]+:.*$", re.M),
)
_FIELD = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[^\W\d_](?:[\w'’.-]*\w)?")


@dataclass(frozen=True)
class Reading:
    """What a chapter asks of a reader.

    Attributes:
        words: of prose and of the sentences that the run prints, a formula counted as one; without
            what stands in *Deeper*, exercises and solutions.
        lines: of code that stand open on the page, blank ones not counted.
        figures: pictures and sliders.
        exercises: posed.
    """

    words: int
    lines: int
    figures: int
    exercises: int

    @property
    def minutes(self) -> int:
        """Minutes to work through it, to the nearest five."""
        minutes = (
            self.words / WORDS_PER_MINUTE
            + self.lines / LINES_PER_MINUTE
            + self.figures * MINUTES_PER_FIGURE
            + self.exercises * MINUTES_PER_EXERCISE
        )
        return max(5, 5 * round(minutes / 5))

    @property
    def words_per_line(self) -> float:
        """Words of prose to a visible line; without code, infinitely many."""
        return self.words / self.lines if self.lines else float("inf")


RULE = (
    f"a minute for {WORDS_PER_MINUTE} words, for {LINES_PER_MINUTE} lines of code that stand open,"
    f" and for each figure; {MINUTES_PER_EXERCISE} minutes for each exercise"
)


def reading_of(notebook: Mapping[str, Any]) -> Reading:
    """Count a chapter.

    Args:
        notebook: woven from its source; outputs are not looked at.
    """
    cells = notebook["cells"]
    prose = [
        source_of(cell)
        for cell in cells
        if cell["cell_type"] == "markdown" and "solution" not in tags_of(cell)
    ]
    calls = [call for _, cell in code_cells(cells) for call in calls_of(cell)]
    said = sum(words_in(text) for name, call in calls if name == "run.say" for text in _texts(call))
    return Reading(
        words=said + sum(words_in(text) for text in prose),
        lines=sum(visible_lines(cell) for cell in key_cells(notebook)),
        figures=sum(name in ("run.figure", "run.frames") for name, _ in calls),
        exercises=sum(
            match["kind"] == "exercise"
            for text in prose
            for match in map(_FENCE.match, text.splitlines())
            if match
        ),
    )


def on_reader_path(notebook: Mapping[str, Any]) -> bool:
    """Whether the chapter declares that its key cells are marked."""
    return bool(notebook.get("metadata", {}).get("medbook", {}).get("reader_path", False))


def is_key(cell: Mapping[str, Any], *, on_path: bool) -> bool:
    """Whether a code cell stands open on the page and belongs to the lesson."""
    tags = tags_of(cell)
    if on_path:
        return KEY_TAG in tags
    return not tags & (FOLDED_TAGS | {EXERCISE_TAG, "solution"})


def key_cells(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The code cells that stand open on the page, without those of exercises."""
    on_path = on_reader_path(notebook)
    return [cell for _, cell in code_cells(notebook["cells"]) if is_key(cell, on_path=on_path)]


def visible_lines(cell: Mapping[str, Any]) -> int:
    """The lines of a cell that are not blank: imports and comments are read as well."""
    return sum(bool(line.strip()) for line in source_of(cell).splitlines())


def words_in(markdown: str) -> int:
    """The words of a Markdown text that every reader reads.

    A formula counts as one word. Not counted: code, headers and options of directives, addresses,
    keys of citations, and what stands in *Deeper*, in an exercise or in a solution.

    >>> words_in("The noise is $\\\\sqrt{N}$, see {cite}`kak1988`: *counted* photons.")
    7
    """
    text = "\n".join(_open_prose(markdown))
    for pattern in _FORMULAS:
        text = pattern.sub(" formula ", text)
    for pattern in _NO_WORDS:
        text = pattern.sub(" ", text)
    return len(_WORD.findall(text))


def _open_prose(markdown: str) -> Iterator[str]:
    """The lines outside code, exercises, solutions and *Deeper*."""
    stack: list[tuple[str, bool]] = []  # (mark, skipped) of the directives around a line
    lines = markdown.splitlines()
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if not fence:
            if not any(skipped for _, skipped in stack):
                yield line
            continue
        mark, kind = fence["mark"], fence["kind"]
        closes = kind is None and line.strip() == mark
        if closes and stack and mark[0] == stack[-1][0][0] and len(mark) >= len(stack[-1][0]):
            stack.pop()
        else:
            stack.append((mark, _skipped(kind, lines[number + 1 :])))
            head = fence["head"] or ""
            if kind in ("admonition", "dropdown") and not any(skipped for _, skipped in stack):
                yield head


def _skipped(kind: str | None, below: list[str]) -> bool:
    if kind is None or kind in ("exercise", "solution", "code", "code-block", "math", "figure"):
        return True
    for line in below:
        if not re.match(r"^\s*:[\w-]+:", line):
            break
        if _DEEPER_OPTION.match(line):
            return True
    return False


def _texts(call: ast.Call) -> Iterable[str]:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield _FIELD.sub(" ", first.value)  # a number is read at a glance
