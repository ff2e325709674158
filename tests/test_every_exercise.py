"""Every exercise of every chapter, both ways: its solution passes, plausible mistakes do not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from medlib.experiment.exercises import Choice, Number, right_answer, wrong_answers
from press.check.exercise_lint import MIN_WRONG, lint_exercises, plausible_mistakes
from press.check.plain_sight import answers_in_plain_sight
from press.source.weave import student_edition, weave
from tests.chapter_sheets import (
    PROJECT,
    chapter_called,
    every_exercise,
    known_of_chapter,
    scene_of,
    sheets,
)

NO_ANSWERS = [
    None,
    ...,
    "",
    "about 3 mm",
    float("nan"),
    float("inf"),
    True,
    object(),
    {},
    [],
    [1.0, 2.0, 3.0],
    [[1.0], [2.0, 3.0]],
    np.full(7, np.nan),
    lambda: None,
    lambda *arguments, **keywords: None,
    lambda *arguments: 1 / 0,
]
NO_OPTIONS = ["x", "?", "a and b", "all of them", -1, 99, 2.5]
NUMBERS = [pair for pair in every_exercise() if isinstance(sheets()[pair[0]][pair[1]], Number)]
CHOICES = [pair for pair in every_exercise() if isinstance(sheets()[pair[0]][pair[1]], Choice)]


def judge(chapter, exercise, answer, scene):
    return exercise.judge(answer, known=scene.known, given=scene.given)


@pytest.fixture(params=every_exercise(), ids=lambda pair: pair[1])
def asked(request):
    chapter, name = request.param
    exercise = sheets()[chapter][name]
    return chapter, exercise, scene_of(chapter, exercise)


def test_the_right_answer_passes(asked):
    chapter, exercise, scene = asked
    verdict = judge(chapter, exercise, right_answer(exercise, scene), scene)
    assert verdict.right, verdict


def test_each_plausible_mistake_fails_with_a_useful_word(asked):
    chapter, exercise, scene = asked
    assert plausible_mistakes(exercise) >= MIN_WRONG
    for answer in wrong_answers(exercise, scene):
        verdict = judge(chapter, exercise, answer, scene)
        assert not verdict.right, answer
        assert len(re.findall(r"\w+", verdict.words)) >= 4, (answer, verdict.words)


def test_what_is_no_answer_gets_a_kind_sentence(asked):
    chapter, exercise, scene = asked
    for answer in NO_ANSWERS:
        verdict = judge(chapter, exercise, answer, scene)
        assert not verdict.right, answer
        assert len(verdict.words.split()) >= 4, (answer, verdict.words)
        assert "Traceback" not in verdict.words


@pytest.mark.parametrize("asked", CHOICES, indirect=True, ids=lambda pair: pair[1])
def test_what_is_no_option_is_told_the_options(asked):
    chapter, exercise, scene = asked
    for answer in NO_OPTIONS:
        verdict = judge(chapter, exercise, answer, scene)
        assert verdict.kind == "form", answer
        assert "option" in verdict.words or "letter" in verdict.words, verdict.words


@pytest.mark.parametrize("asked", NUMBERS, indirect=True, ids=lambda pair: pair[1])
def test_a_mistake_with_a_name_is_called_by_it(asked):
    chapter, exercise, scene = asked
    for mistake in exercise.mistakes:
        value = mistake.value(scene.known) if callable(mistake.value) else mistake.value
        assert judge(chapter, exercise, value, scene).words == mistake.words


@pytest.mark.parametrize("asked", NUMBERS, indirect=True, ids=lambda pair: pair[1])
def test_no_word_on_a_mistake_gives_the_answer(asked):
    chapter, exercise, scene = asked
    right = right_answer(exercise, scene)
    for answer in wrong_answers(exercise, scene):
        words = judge(chapter, exercise, answer, scene).words
        numbers = [float(n) for n in re.findall(r"(?<![\w.])\d+\.?\d*", words)]
        assert not any(abs(n - right) <= exercise.tolerance for n in numbers), words


@pytest.mark.parametrize("chapter", sheets())
def test_the_chapter_poses_what_its_sheet_answers(chapter):
    cells = weave(chapter_called(chapter).source).cells
    assert list(lint_exercises(cells, sheets()[chapter])) == []


@pytest.mark.parametrize("edition", ["woven", "student"])
@pytest.mark.parametrize("chapter", sheets())
def test_no_notebook_shows_an_answer(chapter, edition):
    notebook = weave(chapter_called(chapter).source)
    if edition == "student":
        notebook = student_edition(notebook)
    seen = answers_in_plain_sight(
        notebook.cells, sheets()[chapter], known=known_of_chapter(chapter)
    )
    assert seen == []


def test_names_are_unique_in_the_book():
    names = [name for _, name in every_exercise()]
    assert len(names) == len(set(names))
    assert PROJECT.chapters
