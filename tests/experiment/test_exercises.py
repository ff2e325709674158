"""The three kinds of exercises judge as they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment.exercises import (
    Choice,
    Code,
    Known,
    Mistake,
    Number,
    Scene,
    Verdict,
    right_answer,
    sentence,
    wrong_answers,
)
from medlib.experiment.grid import Grid

COMMON = {"asks": "a thing", "hints": ("one", "two"), "solution": "so"}
NUMBER = Number(
    name="n",
    answer=lambda known: known["gain"] / 2,
    tolerance=0.01,
    unit="dB",
    within=(-10, 10),
    mistakes=[Mistake(lambda known: known["gain"], "that is not halved")],
    otherwise="think of halves",
    wrong=[3.0],
    **COMMON,
)
KNOWN = Known({"seed": 0}, {"gain": 3.0})


def said(answer, known=KNOWN):
    verdict = NUMBER.judge(answer, known=known)
    return verdict.kind, verdict.words


@pytest.mark.parametrize("answer", [1.5, 1.4901, 1.5099])
def test_a_number_within_the_tolerance_is_right(answer):
    assert said(answer) == ("right", "")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (1.4899, "wrong", "think of halves"),
        (1.5101, "wrong", "think of halves"),
        (3.0, "wrong", "that is not halved"),
        (3.009, "wrong", "that is not halved"),
        (-1.5, "wrong", "the size is right, the sign is not"),
        (1 / 1.5, "wrong", "that is one over the answer"),
        (2.25, "wrong", "that is the answer squared"),
        (150, "wrong", "that is a hundred times the answer: was a share asked for, not per cent?"),
        (15, "wrong", "a power of ten is lost: look at the units"),
        (12, "form", "a thing: this lies between -10 and 10 dB"),
        (None, "unanswered", "type your answer in place of `None` and run the cell again"),
        ("1.5 dB", "form", "this is a text; give the number alone in dB, without quotes"),
    ],
)
def test_a_wrong_number_is_told_what_kind_of_wrong_it_is(answer, kind, words):
    assert said(answer) == (kind, words)


def test_a_result_that_is_not_measured_yet_is_asked_for():
    kind, words = said(1.5, Known({}, {}))
    assert (kind, words) == (
        "form",
        "this run has not measured 'gain' yet; run the cells above first",
    )


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e3), st.floats(-0.98, 0.98))
def test_the_cell_of_the_answer_holds_all_within_the_tolerance(answer, tolerance, share):
    grid = Grid.around(answer, tolerance=tolerance)
    assert grid.cell(answer) == grid.right
    if tolerance > 1e-8 * abs(answer):
        assert grid.cell(answer + share * tolerance) == grid.right
        for step in (-1.02, 1.02):
            assert grid.cell(answer + step * tolerance) != grid.right


def test_zero_may_be_the_answer():
    zero = Number(name="z", answer=0.0, tolerance=0.1, otherwise="try again, please", **COMMON)
    assert zero.judge(0, known={}).right
    assert zero.judge(1, known={}).words == "try again, please"


CHOICE = Choice(
    name="c",
    options={"a": "one", "b": "two"},
    answer="b",
    because={"a": "one is too few"},
    **COMMON,
)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("b", "right", ""),
        (" (B) ", "right", ""),
        ("a", "wrong", "one is too few"),
        ("c", "form", "'c' is none of the options; they are a, b"),
        (2, "form", "'2' is none of the options; they are a, b"),
        (2.5, "form", 'give a letter in quotes, such as "a"'),
        (True, "form", 'give a letter in quotes, such as "a"'),
    ],
)
def test_a_choice_is_judged(answer, kind, words):
    verdict = CHOICE.judge(answer, known={})
    assert (verdict.kind, verdict.words) == (kind, words)


def test_an_open_choice_shows_its_options():
    words = CHOICE.judge(None, known={}).words
    assert words.startswith("type your answer in place of `None`")
    assert words.endswith("the options are\n\n- a: one\n- b: two")


def code(check, **more):
    return Code(name="k", check=check, example=lambda s: 1, wrong=[lambda s: 0], **more, **COMMON)


@pytest.mark.parametrize(
    ("check", "kind", "words"),
    [
        (lambda answer, scene: None, "right", ""),
        (lambda answer, scene: "", "right", ""),
        (lambda answer, scene: "too short", "wrong", "too short"),
        (lambda answer, scene: Verdict("right", "with 3"), "right", "with 3"),
        (lambda answer, scene: answer / 0, "form", "your answer cannot be used: ZeroDivision"),
        (lambda answer, scene: scene.known["x"], "form", "this run has not measured 'x' yet"),
    ],
)
def test_code_is_judged_by_its_check(check, kind, words):
    verdict = code(check).judge(1, known=KNOWN)
    assert verdict.kind == kind
    assert verdict.words.startswith(words)


def test_code_says_what_it_needs():
    needy = code(lambda answer, scene: str(sorted(scene.given)), needs=("heads", "beam"))
    words = needy.judge(1, known={}, given={"beam": 1}).words
    assert words == "the check needs heads; give it given={'heads': heads, 'beam': beam}"
    assert needy.judge(1, known={}, given={"beam": 1, "heads": 2}).words == "['beam', 'heads']"


def test_answers_for_the_tests():
    scene = Scene(known=KNOWN)
    assert (right_answer(NUMBER, scene), wrong_answers(NUMBER, scene)) == (1.5, [3.0, 3.0])
    assert (right_answer(CHOICE, scene), wrong_answers(CHOICE, scene)) == ("b", ["a"])
    assert wrong_answers(code(lambda answer, scene: None), scene) == [0]


def test_a_verdict_reads_as_a_sentence():
    assert str(Verdict("right")) == "**Right.**"
    assert str(Verdict("right", "the AUC is 1")) == "**Right.** The AUC is 1."
    assert str(Verdict("wrong", "too short")) == "**Not yet.** Too short."
    assert sentence("is it?") == "Is it?"
