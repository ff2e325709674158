"""What can be said against a chapter's exercises: those posed, and the sheet of their checks.

An exercise is posed by a directive with a ``:label:``, answered in a code cell below it that is
tagged "self-check" and calls ``run.check("label", answer)``, and judged by the entry of that name
in the chapter's ``exercises.py``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from medlib.experiment.exercises import Choice, Exercise, Number
from press.source.cells import parse_cell, source_of, tags_of
from press.source.checked_cells import SELF_CHECK_TAG, checked_name, posed

MIN_EXERCISES, MIN_HINTS, MIN_WRONG = 3, 2, 5


def lint_exercises(cells: Sequence[Mapping], sheet: Mapping[str, Exercise]) -> Iterator[str]:
    """What is wrong with a chapter's exercises, one message each.

    Args:
        cells: the cells of the chapter's source.
        sheet: the exercises of its ``exercises.py``, by name.
    """
    if len(sheet) < MIN_EXERCISES:
        yield f"exercises.py has {len(sheet)} exercises, at least {MIN_EXERCISES} are needed"
    yield from _lint_places(cells, sheet)
    for exercise in sheet.values():
        yield from (f"exercise {exercise.name!r}: {fault}" for fault in faults_of(exercise))


def faults_of(exercise: Exercise) -> Iterator[str]:
    """What an entry of a sheet lacks."""
    hints = [hint for hint in exercise.hints if hint.strip()]
    if len(hints) < MIN_HINTS:
        yield f"{len(hints)} hints, at least {MIN_HINTS} are needed"
    if not exercise.solution.strip():
        yield "no solution"
    if not exercise.asks.strip():
        yield "asks= is empty: say what the answer is, for the label of its field"
    if isinstance(exercise, Number):
        if not exercise.tolerance > 0:
            yield f"its tolerance is {exercise.tolerance}; it must be above zero"
        if len(exercise.otherwise.split()) < 3:
            yield "otherwise= says too little: give a useful thought to whoever is wrong"
    elif isinstance(exercise, Choice):
        if exercise.answer not in exercise.options:
            yield f"its answer {exercise.answer!r} is none of its options"
        for letter in exercise.options:
            if letter != exercise.answer and not exercise.because.get(letter, "").strip():
                yield f"because= has no word on the wrong option {letter!r}"
            if letter != letter.lower() or not letter.isalnum():
                yield f"option {letter!r}: name it by a small letter or a digit"
    if (count := plausible_mistakes(exercise)) < MIN_WRONG:
        yield f"{count} plausible wrong answers, at least {MIN_WRONG} are needed"


def plausible_mistakes(exercise: Exercise) -> int:
    """How many mistakes an entry foresees that somebody might really make.

    Of a choice these are its wrong options, each counted once: an answer that is none of its
    options is a slip of the hand, and nobody learns from being told so.
    """
    if isinstance(exercise, Choice):
        right = exercise.options.get(exercise.answer, "").strip()
        return len({text.strip() for text in exercise.options.values()} - {right, ""})
    named = exercise.mistakes if isinstance(exercise, Number) else ()
    return len(named) + len(exercise.wrong)


def _lint_places(cells: Sequence[Mapping], sheet: Mapping[str, Exercise]) -> Iterator[str]:
    waiting: str | None = None  # posed, and not answered yet
    seen: set[str] = set()
    for index, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "markdown":
            for label, _ in posed(cell):
                if waiting:
                    yield _no_cell(waiting)
                waiting = label
                if not label:
                    yield f"cell {index}: an exercise without :label:; its check cannot be found"
                elif " " in label:
                    first = label.split()[0]
                    yield (
                        f"cell {index}: the label of exercise {first!r} goes on with words, and the"
                        " page would lose them: begin its text on the line below"
                    )
                elif label not in sheet:
                    yield f"cell {index}: exercise {label!r} has no entry in exercises.py"
            if "{solution}" in source_of(cell):
                yield f"cell {index}: a solution stands in the notebook; it belongs in exercises.py"
            continue
        name = checked_name(cell)
        if name is None:
            continue
        seen.add(name)
        if name != waiting:
            above = repr(waiting) if waiting else "none"
            yield f"cell {index}: run.check({name!r}) where the exercise posed above is {above}"
        if SELF_CHECK_TAG not in tags_of(cell):
            yield f'cell {index}: a cell that checks an answer must be tagged "{SELF_CHECK_TAG}"'
        if answered(cell):
            yield (
                f"cell {index}: the answer to {name!r} is not left open; write `answer = None`,"
                " with a comment that says what is asked"
            )
        waiting = None
    if waiting:
        yield _no_cell(waiting)
    for name in sheet:
        if name not in seen:
            yield f"exercise {name!r} of exercises.py is not checked by any cell"


def _no_cell(label: str) -> str:
    return (
        f"exercise {label!r} has no cell to answer in: below it, in a cell tagged"
        f' "{SELF_CHECK_TAG}", write answer = None and run.check("{label}", answer)'
    )


def answered(cell: Mapping) -> bool:
    """Whether the cell hands ``run.check`` anything but a name that is None, or a function."""
    tree = parse_cell(cell)
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                values.setdefault(ast.unparse(target), []).append(node.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "run.check":
            continue
        given = node.args[1] if len(node.args) > 1 else None
        if not isinstance(given, ast.Name):
            return True
        if given.id in functions and given.id not in values:
            continue
        found = values.get(given.id, [])
        if len(found) != 1 or not (isinstance(found[0], ast.Constant) and found[0].value is None):
            return True
    return False
