"""Whether an answer stands in plain sight: in a page, in a notebook, in the student edition.

Searched for, of every exercise: its solution, its hints and the words on wrong answers (seven words
in a row are enough), the lines of code in its solution, a cell whose answer is not left open, and
the right number in what its statement or its controls show. A number of one digit is not searched
for: it stands everywhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medlib.experiment.answers import NotYet
from medlib.experiment.exercises import Choice, Exercise, Number, Scene, right_answer
from press.check.exercise_lint import answered
from press.source.cells import source_of
from press.source.checked_cells import checked_name, posed

ROW, LEAST_CODE = 7, 20
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*(?:\n[^$\n]+)*?\$", re.S)
_CODE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(?P<code>.*?)^\1", re.S | re.M)
_SHOWN = ("text/plain", "text/markdown", "text/html")


def answers_in_plain_sight(
    cells: Sequence[Mapping],
    sheet: Mapping[str, Exercise],
    *,
    known: Mapping[str, Any] | None = None,
) -> list[str]:
    """Each place where the cells of a notebook or a page show what they should not.

    Args:
        cells: with their outputs, if they have any.
        sheet: the chapter's exercises.
        known: what the run knows; without it numbers that follow from a run are not searched for.
    """
    found: list[str] = []
    texts = [(index, text) for index, cell in enumerate(cells, 1) for text in _texts(cell)]
    rows = [(index, _rows(_words(text)), _squeezed(text)) for index, text in texts]
    statements = {
        label: text
        for cell in cells
        if cell["cell_type"] == "markdown"
        for label, text in posed(cell)
    }
    for exercise in sheet.values():
        public = _rows(_words(_visible(exercise)))
        skeleton = " ".join(source_of(c) for c in cells if checked_name(c) == exercise.name)
        for what, secret in _secrets(exercise):
            wanted = _rows(_words(_prose(secret))) - public
            code = [line for line in _code_lines(secret) if line not in _squeezed(skeleton)]
            for index, present, squeezed in rows:
                if wanted & present or any(line in squeezed for line in code):
                    found.append(f"cell {index}: {what} of exercise {exercise.name!r} can be read")
                    break
        text = f"{statements.get(exercise.name, '')} {_visible(exercise)} {skeleton}"
        if _shows_number(exercise, text, known):
            found.append(f"the answer to exercise {exercise.name!r} stands in its own words")
    for index, cell in enumerate(cells, 1):
        if checked_name(cell) in sheet and answered(cell):
            found.append(f"cell {index}: the answer to {checked_name(cell)!r} is not left open")
    return found


def _secrets(exercise: Exercise) -> Iterator[tuple[str, str]]:
    yield "the solution", exercise.solution
    yield from (("a hint", hint) for hint in exercise.hints)
    if isinstance(exercise, Number):
        yield from (("a word on a mistake", mistake.words) for mistake in exercise.mistakes)
        yield "a word on a mistake", exercise.otherwise
    elif isinstance(exercise, Choice):
        yield from (("a word on an option", words) for words in exercise.because.values())


def _visible(exercise: Exercise) -> str:
    """What the controls of an exercise show without being asked."""
    options = exercise.options.values() if isinstance(exercise, Choice) else ()
    unit = exercise.unit if isinstance(exercise, Number) else ""
    return " ".join([exercise.asks, unit, *options])


def _shows_number(exercise: Exercise, text: str, known: Mapping[str, Any] | None) -> bool:
    if not isinstance(exercise, Number):
        return False
    try:
        right = right_answer(exercise, Scene(known=known or {}))
    except (NotYet, KeyError):
        return False
    found = re.findall(r"(?<![\w.])[-\u2212]?\d*\.?\d+(?:e[-+]?\d+)?", text)
    numbers = (token.replace("\u2212", "-") for token in found if len(token.strip("-\u22120.")) > 1)
    return any(abs(float(number) - right) <= exercise.tolerance for number in numbers)


def _texts(cell: Mapping) -> Iterator[str]:
    yield source_of(cell)
    for output in cell.get("outputs", ()):
        text = output.get("text", "")
        yield text if isinstance(text, str) else "".join(text)
        for kind in _SHOWN:
            text = output.get("data", {}).get(kind, "")
            text = text if isinstance(text, str) else "".join(text)
            yield re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)


def _prose(markdown: str) -> str:
    return _FORMULA.sub(" \0 ", _CODE.sub(" \0 ", markdown))


def _code_lines(markdown: str) -> list[str]:
    lines = (line for match in _CODE.finditer(markdown) for line in match["code"].splitlines())
    return [_squeezed(line) for line in lines if len(_squeezed(line)) >= LEAST_CODE]


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _words(text: str) -> list[str]:
    text = text.replace("\\u003c", "<").replace("\\u003e", ">").replace("\\n", " ")
    text = re.sub(r"<[^<>]*>", " ", html.unescape(text))
    return re.findall(r"[^\W_]+|\0", text.lower())


def _rows(words: Sequence[str]) -> set[tuple[str, ...]]:
    """Every `ROW` words in a row in which no formula stands."""
    found = (tuple(words[i : i + ROW]) for i in range(len(words) - ROW + 1))
    return {row for row in found if "\0" not in row}
