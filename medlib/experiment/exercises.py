"""Exercises that answer back: a number, a choice, or code, each with its check.

A chapter's exercises stand in ``exercises.py`` of its folder, as a list called ``EXERCISES``. Each
knows what is right, what is wrong in a way that deserves a word of its own, two hints, a solution,
and wrong answers by which it is tested. A cell of the chapter holds none of this: it calls
``run.check(name, answer)``.

The same judgement is made in Jupyter and on the page: a number is right if it falls into one
cell of a grid, twice the tolerance wide, whose middle is the right answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medlib.experiment.answers import (
    NotYet,
    Unanswered,
    WrongForm,
    as_number,
    must_be_there,
)
from medlib.experiment.grid import Grid, usual_mistakes

Value = float | Callable[[Mapping[str, Any]], float]


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer: whether it is right, and a sentence.

    Attributes:
        kind: "right", "wrong", "form" (it could not be judged) or "unanswered".
        words: Markdown; may be empty where the answer is right.
    """

    kind: str
    words: str = ""

    @property
    def right(self) -> bool:
        return self.kind == "right"

    def __str__(self) -> str:
        if self.right:
            return f"**Right.** {sentence(self.words)}".strip()
        return f"**Not yet.** {sentence(self.words)}"


class Known(dict):
    """What a check may know of the run: its parameters, and its results (name -> value)."""

    def __init__(self, parameters: Mapping[str, Any], results: Mapping[str, float]) -> None:
        super().__init__(parameters)
        self.update(results)

    def __missing__(self, name: str) -> Any:
        raise WrongForm(f"this run has not measured {name!r} yet; run the cells above first")


@dataclass(frozen=True)
class Mistake:
    """A wrong number with a name: `words` say what kind of wrong it is."""

    value: Value
    words: str


@dataclass(frozen=True, kw_only=True)
class Number:
    """An exercise whose answer is one number.

    Attributes:
        name: as in the exercise's label, unique in the book.
        asks: what the number is, for the label of the field: "share of the dose".
        answer: the right number, or how it follows from what the run knows.
        tolerance: how far an answer may be off, in the answer's unit.
        unit: the unit in which it is asked; empty for a pure number.
        within: the least and the greatest number that makes sense, if there are such.
        mistakes: wrong numbers that deserve words of their own.
        otherwise: words on every other wrong number; a useful thought, no mere "no".
        hints: two or more, from gentle to plain.
        solution: Markdown with formulas.
        wrong: further plausible wrong answers; tests give them all, and none may pass.
    """

    name: str
    asks: str
    answer: Value
    tolerance: float
    otherwise: str
    hints: Sequence[str]
    solution: str
    unit: str = ""
    within: tuple[float, float] | None = None
    mistakes: Sequence[Mistake] = ()
    wrong: Sequence[Any] = ()
    kind: str = field(default="number", init=False)

    def grid(self, known: Mapping[str, Any]) -> Grid:
        """The grid on which answers are compared."""
        return Grid.around(_value(self.answer, known), tolerance=self.tolerance)

    def named_mistakes(self, known: Mapping[str, Any]) -> list[tuple[frozenset[int], str]]:
        """Cells of the grid, and the words on an answer in them; the chapter's own come first."""
        grid, right = self.grid(known), _value(self.answer, known)
        found = [(_value(m.value, known), m.words) for m in self.mistakes]
        found += [(v, w) for v, w in usual_mistakes(right) if abs(v - right) > 4 * self.tolerance]
        return [(grid.cells(value) - {grid.right}, words) for value, words in found]

    def judge(self, answer: Any, *, known: Mapping[str, Any], given: Any = None) -> Verdict:
        """Whether `answer` is right, or what kind of wrong it is."""
        try:
            value = as_number(answer, unit=self.unit)
            cell = self.grid(known).cell(value)
            if cell == self.grid(known).right:
                return Verdict("right")
            for cells, words in self.named_mistakes(known):
                if cell in cells:
                    return Verdict("wrong", words)
        except NotYet as words:
            return _verdict(words)
        if self.within and not self.within[0] <= value <= self.within[1]:
            return Verdict("form", out_of_range(self))
        return Verdict("wrong", self.otherwise)


def out_of_range(exercise: Number) -> str:
    """The words on a number that makes no sense."""
    low, high = exercise.within
    unit = f" {exercise.unit}" if exercise.unit else ""
    return f"{exercise.asks}: this lies between {low:g} and {high:g}{unit}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An exercise whose answer is one of some options.

    Attributes:
        name: as in the exercise's label, unique in the book.
        asks: what is chosen, for the label of the group: "what to do first".
        options: letter -> text (Markdown); the chapter's cell is given the letter.
        answer: the right letter.
        because: letter -> words on it, for every wrong one and, if you like, the right one.
        hints, solution: as in `Number`.
    """

    name: str
    asks: str
    options: Mapping[str, str]
    answer: str
    because: Mapping[str, str]
    hints: Sequence[str]
    solution: str
    kind: str = field(default="choice", init=False)

    def judge(self, answer: Any, *, known: Mapping[str, Any], given: Any = None) -> Verdict:
        """Whether `answer` is the right letter, or what speaks against it."""
        try:
            must_be_there(answer)
        except NotYet as words:
            options = "".join(f"\n- {letter}: {text}" for letter, text in self.options.items())
            return Verdict("unanswered", f"{words}; the options are\n{options}")
        letters = ", ".join(self.options)
        if isinstance(answer, int) and not isinstance(answer, bool):
            answer = str(answer)  # an option may be called by a digit
        if not isinstance(answer, str):
            return Verdict("form", f'give a letter in quotes, such as "{next(iter(self.options))}"')
        letter = answer.strip().strip("().").lower()
        if letter not in self.options:
            return Verdict("form", f"{answer!r} is none of the options; they are {letters}")
        kind = "right" if letter == self.answer else "wrong"
        return Verdict(kind, self.because.get(letter, ""))


@dataclass(frozen=True)
class Scene:
    """What a check of code is tested with: the objects of the notebook, and what the run knows."""

    given: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Code:
    """An exercise whose answer is a function or an array that the student wrote.

    Attributes:
        name: as in the exercise's label, unique in the book.
        asks: what is written: "a function of photons_left".
        check: of the answer and a `Scene`; returns None or "" where it is right, words on what is
            wrong, or a `Verdict`; may raise `NotYet`. It draws from generators of its own.
        example: makes a right answer in a scene, for the tests.
        scene: makes the scene of the tests; small, without the chapter's run.
        wrong: each makes a plausible wrong answer in a scene.
        needs: the names of the notebook's objects that ``given=`` must hold.
        hints, solution: as in `Number`.
    """

    name: str
    asks: str
    check: Callable[[Any, Scene], str | Verdict | None]
    example: Callable[[Scene], Any]
    hints: Sequence[str]
    solution: str
    wrong: Sequence[Callable[[Scene], Any]]
    scene: Callable[[], Scene] = Scene
    needs: Sequence[str] = ()
    kind: str = field(default="code", init=False)

    def judge(self, answer: Any, *, known: Mapping[str, Any], given: Any = None) -> Verdict:
        """Whether `answer` does what is asked, or what kind of wrong it is."""
        given = dict(given or {})
        if missing := self.missing(given):
            return Verdict("form", missing)
        try:
            must_be_there(answer)
            said = self.check(answer, Scene(given, known))
        except NotYet as words:
            return _verdict(words)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            return Verdict("form", f"your answer cannot be used: {type(error).__name__}: {said}")
        if isinstance(said, Verdict):
            return said
        return Verdict("wrong", said) if said else Verdict("right")

    def missing(self, given: Mapping[str, Any]) -> str:
        """What the check needs and was not given, in words; empty where it has all."""
        missing = [name for name in self.needs if name not in given]
        if not missing:
            return ""
        example = f"given={{{', '.join(f'{name!r}: {name}' for name in self.needs)}}}"
        return f"the check needs {', '.join(missing)}; give it {example}"


Exercise = Number | Choice | Code


def wrong_answers(exercise: Exercise, scene: Scene) -> list[Any]:
    """All the wrong answers that `exercise` lists: named mistakes, wrong options, and others."""
    if isinstance(exercise, Number):
        return [_value(m.value, scene.known) for m in exercise.mistakes] + list(exercise.wrong)
    if isinstance(exercise, Choice):
        return [o for o in exercise.options if o != exercise.answer]
    return [make(scene) for make in exercise.wrong]


def right_answer(exercise: Exercise, scene: Scene) -> Any:
    """The right answer: a number, a letter, or an example of code."""
    if isinstance(exercise, Number):
        return _value(exercise.answer, scene.known)
    return exercise.answer if isinstance(exercise, Choice) else exercise.example(scene)


def sentence(words: str) -> str:
    """`words` with a capital and a full stop; nothing stays nothing."""
    words = words.strip()
    if not words:
        return ""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!")) else ".")


def _value(value: Value, known: Mapping[str, Any]) -> float:
    return float(value(known)) if callable(value) else float(value)


def _verdict(words: NotYet) -> Verdict:
    kinds = {Unanswered: "unanswered", WrongForm: "form"}
    return Verdict(kinds.get(type(words), "wrong"), str(words))
