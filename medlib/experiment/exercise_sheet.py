"""The sheet of a chapter's exercises: ``exercises.py`` in its folder, found, read and asked.

`Desk` is what a run has of it in a kernel: it judges answers, and gives hints one by one. The sheet
is read anew each time, so that whoever writes one sees what it does.
"""

from __future__ import annotations

import difflib
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medlib.experiment import environment
from medlib.experiment.answers import OPEN
from medlib.experiment.exercises import (
    Choice,
    Code,
    Exercise,
    Known,
    Number,
    Verdict,
    sentence,
)

SHEET = "exercises.py"


class SheetError(ValueError):
    """A sheet is missing or wrong, or has no such exercise; the message is for a reader."""


def sheet_path(chapter: str, root: Path) -> Path:
    """Where the sheet of `chapter`, ``part/name``, lies in a checkout."""
    return root / "chapters" / chapter / SHEET


def find_sheet(chapter: str) -> Path:
    """The sheet of `chapter` in the checkout that the library or the current folder lies in.

    Raises:
        SheetError: there is none; the message says where it was looked for, and what helps.
    """
    here = Path.cwd()
    roots = dict.fromkeys([environment.project_root(), here, *here.parents])
    for root in roots:
        if sheet_path(chapter, root).is_file():
            return sheet_path(chapter, root)
    raise SheetError(
        f"the checks of {chapter} are not here: they lie in chapters/{chapter}/{SHEET} of the"
        f" book's checkout, and {next(iter(roots))} has no such file; run the notebook in a folder"
        " of the checkout, or set MEDBOOK_ROOT to the checkout's folder"
    )


def read_sheet(path: Path) -> dict[str, Exercise]:
    """The exercises of a sheet by name, in its order.

    Raises:
        SheetError: the file cannot be read, stops with an error, or holds no list ``EXERCISES``
            of exercises with names of their own.
    """
    try:
        found = runpy.run_path(str(path)).get("EXERCISES")
    except OSError as error:
        raise SheetError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:
        raise SheetError(f"{path}: stops with {type(error).__name__}: {error}") from error
    if not isinstance(found, list | tuple) or not found:
        raise SheetError(f"{path}: holds no list EXERCISES = [Number(...), Choice(...), ...]")
    sheet: dict[str, Exercise] = {}
    for place, exercise in enumerate(found, start=1):
        if not isinstance(exercise, Number | Choice | Code):
            kind = type(exercise).__name__
            raise SheetError(f"{path}: EXERCISES, {place}: {kind}, not Number, Choice or Code")
        if exercise.name in sheet:
            raise SheetError(f"{path}: two exercises are called {exercise.name!r}")
        sheet[exercise.name] = exercise
    return sheet


def exercise_called(name: str, sheet: Mapping[str, Exercise], *, chapter: str) -> Exercise:
    """The exercise `name` of a sheet.

    Raises:
        SheetError: there is none such; the message names the nearest.
    """
    if name in sheet:
        return sheet[name]
    near = difflib.get_close_matches(str(name), sheet, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sheet)}"
    raise SheetError(f"{chapter} has no exercise {name!r}; {hint}")


class Desk:
    """Where a run's exercises are answered.

    Args:
        chapter: its id, ``part/name``.
        known: called for what the run knows at the time of asking.
        strict: raise `SheetError` instead of saying it, as in the book's own run.
    """

    def __init__(self, chapter: str, known: Callable[[], Known], *, strict: bool) -> None:
        self.chapter, self.known, self.strict = chapter, known, strict
        self._hints: dict[str, int] = {}

    def check(self, name: str, answer: Any, given: Mapping[str, Any] | None = None) -> str:
        """The sentence on an answer, as Markdown.

        In the book's own run, where answers are open and functions unwritten, nothing is judged:
        what is printed then does not depend on the sheet, so that to edit it makes no run stale.
        """
        return self._on(name, lambda exercise: str(self._verdict(exercise, answer, given or {})))

    def _verdict(self, exercise: Exercise, answer: Any, given: Mapping[str, Any]) -> Verdict:
        if not self.strict or not (answer is None or callable(answer)):
            return exercise.judge(answer, known=self.known(), given=given)
        if isinstance(exercise, Code) and (missing := exercise.missing(given)):
            raise SheetError(f"{self.chapter}, exercise {exercise.name!r}: {missing}")
        return Verdict("unanswered", OPEN)

    def hint(self, name: str) -> str:
        """The next hint, as Markdown; after the last, all of them again."""
        return self._on(name, self._next_hint)

    def solution(self, name: str) -> str:
        """The solution, as Markdown."""
        return self._on(name, lambda exercise: exercise.solution)

    def _next_hint(self, exercise: Exercise) -> str:
        hints: Sequence[str] = exercise.hints
        given = self._hints[exercise.name] = self._hints.get(exercise.name, 0) + 1
        if given <= len(hints):
            return f"**Hint {given} of {len(hints)}.** {sentence(hints[given - 1])}"
        told = " ".join(sentence(hint) for hint in hints)
        return f"**No more hints.** {told} `run.solution({exercise.name!r})` shows the solution."

    def _on(self, name: str, say: Callable[[Exercise], str]) -> str:
        try:
            sheet = read_sheet(find_sheet(self.chapter))
            exercise = exercise_called(name, sheet, chapter=self.chapter)
        except SheetError as error:
            if self.strict:
                raise
            return f"**Cannot be checked:** {error}."
        return say(exercise)
