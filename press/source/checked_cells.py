"""The cells in which a reader answers: which exercise they check, and what stands in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from medlib.experiment.exercise_sheet import SHEET, SheetError, read_sheet
from medlib.experiment.exercises import Exercise
from press.errors import UserError
from press.source.cells import calls_of, source_of

SELF_CHECK_TAG = "self-check"
_EXERCISE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\s*\{exercise(?:-start)?\}[ \t]*(?P<head>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)[`:]*\s*$",
    re.S | re.M,
)


def checked_name(cell: Mapping) -> str | None:
    """The exercise that a code cell checks: the first argument of its ``run.check``."""
    if cell["cell_type"] != "code" or "run.check" not in source_of(cell):
        return None
    for called, call in calls_of(cell):
        if called == "run.check" and call.args:
            name = call.args[0]
            return name.value if isinstance(name, ast.Constant) else None
    return None


def posed(cell: Mapping) -> Iterator[tuple[str, str]]:
    """The exercises that a Markdown cell poses: label (empty where it has none) and text.

    All that stands on the label's line is the label: a page takes it so.
    """
    for match in _EXERCISE.finditer(source_of(cell)):
        label = re.search(r"^:label:[ \t]*(\S.*?)[ \t]*$", match["body"], re.M)
        yield (label.group(1) if label else ""), match["body"]


def exercises_of(source: Path) -> dict[str, Exercise]:
    """The exercises of the chapter whose notebook is `source`; none where it has no sheet.

    Raises:
        UserError: the sheet is wrong.
    """
    path = source.with_name(SHEET)
    if not path.is_file():
        return {}
    try:
        return read_sheet(path)
    except SheetError as error:
        raise UserError(str(error)) from None
