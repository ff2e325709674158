"""Exercises that lack something, or stand apart from their checks, are named."""

import dataclasses

import jupytext
import pytest

from medlib.experiment.exercises import Choice, Code, Mistake, Number
from press.check.exercise_lint import answered, faults_of, lint_exercises

POSED = """\
# %% [markdown]
# ```{exercise}
# :label: half
# What is half of it?
# ```

# %% tags=["self-check"]
answer = None  # a number
run.check("half", answer)

# %% [markdown]
# ```{exercise}
# :label: which
# Which one?
# ```

# %% tags=["self-check"]
answer = None  # a letter
run.check("which", answer)

# %% [markdown]
# ```{exercise}
# :label: twice
# Write it.
# ```

# %% tags=["self-check"]
def twice(x):
    return None  # your line


run.check("twice", twice)
"""
COMMON = {"asks": "a thing", "hints": ("first", "second"), "solution": "So it goes."}
HALF = Number(
    name="half",
    answer=0.5,
    tolerance=0.01,
    otherwise="divide it by two",
    mistakes=[Mistake(2, "that is twice as much")],
    wrong=[1, 3, 4, 5],
    **COMMON,
)
WHICH = Choice(
    name="which",
    options={"a": "this", "b": "that", "c": "these", "d": "those", "e": "all", "f": "none"},
    answer="a",
    because=dict.fromkeys("bcdef", "that one is not"),
    **COMMON,
)
FIVE = {letter: text for letter, text in WHICH.options.items() if letter != "f"}
TWICE = Code(
    name="twice",
    check=lambda answer, scene: None,
    example=lambda scene: lambda x: 2 * x,
    wrong=[lambda scene: 1] * 5,
    **COMMON,
)


def cells_of(text):
    return jupytext.reads(text, fmt="py:percent")["cells"]


def lint(text=POSED, exercises=(HALF, WHICH, TWICE)):
    return list(lint_exercises(cells_of(text), {e.name: e for e in exercises}))


def test_whole_exercises_pass():
    assert lint() == []


@pytest.mark.parametrize(
    ("exercise", "change", "said"),
    [
        (HALF, {"hints": ("first",)}, "1 hints, at least 2"),
        (HALF, {"hints": ("first", "  ")}, "1 hints, at least 2"),
        (HALF, {"solution": " "}, "no solution"),
        (HALF, {"asks": ""}, "asks= is empty"),
        (HALF, {"wrong": [1, 3, 4]}, "4 plausible wrong answers, at least 5"),
        (HALF, {"tolerance": 0}, "its tolerance is 0"),
        (HALF, {"otherwise": "No."}, "otherwise= says too little"),
        (WHICH, {"answer": "g"}, "its answer 'g' is none of its options"),
        (WHICH, {"because": {}}, "no word on the wrong option 'b'"),
        (WHICH, {"options": FIVE}, "4 plausible wrong answers"),
        (WHICH, {"options": FIVE | {"f": "all"}}, "4 plausible wrong answers"),
        (WHICH, {"options": FIVE | {"f": "this"}}, "4 plausible wrong answers"),
        (WHICH, {"options": FIVE | {"f": " "}}, "4 plausible wrong answers"),
        (WHICH, {"options": {"a": "this", "B": "that"}}, "option 'B': name it by a small letter"),
        (TWICE, {"wrong": [1] * 4}, "4 plausible wrong answers"),
    ],
)
def test_an_entry_that_lacks_something_is_named(exercise, change, said):
    faults = list(faults_of(dataclasses.replace(exercise, **change)))
    assert any(said in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# :label: half\n", "", "an exercise without :label:"),
        ("# :label: half", "# :label: third", "exercise 'third' has no entry in exercises.py"),
        ("# :label: half", "# :label: half What is", "the label of exercise 'half' goes on with"),
        ('run.check("half"', 'run.check("which"', "where the exercise posed above is 'half'"),
        ('run.check("half", answer)', "print(answer)", "exercise 'half' has no cell to answer in"),
        ('run.check("twice", twice)', "twice(2)", "exercise 'twice' has no cell to answer in"),
        ('run.check("twice", twice)', "twice(2)", "'twice' of exercises.py is not checked"),
        ('# %% tags=["self-check"]\nanswer = None  # a number', "# %%\nanswer = None", "be tagged"),
        ("answer = None  # a number", "answer = 0.5", "the answer to 'half' is not left open"),
        (
            "# Which one?\n# ```",
            "# Which?\n# ```\n#\n# ```{solution} which\n# a\n# ```",
            "belongs in",
        ),
    ],
)
def test_a_cell_that_does_not_belong_to_its_check_is_named(old, new, said):
    assert old in POSED
    found = lint(POSED.replace(old, new, 1))
    assert any(said in message for message in found), found


def test_too_few_exercises_are_counted():
    assert "exercises.py has 1 exercises, at least 3 are needed" in lint(exercises=[HALF])


@pytest.mark.parametrize(
    ("code", "open_"),
    [
        ("answer = None\nrun.check('x', answer)", True),
        ("answer: float = None\nrun.check('x', answer)", True),
        ("def f(x):\n    return None\nrun.check('x', f, given={'a': a})", True),
        ("answer = 3\nrun.check('x', answer)", False),
        ("answer = None\nanswer = 3\nrun.check('x', answer)", False),
        ("run.check('x', 3)", False),
        ("run.check('x', other)", False),
        ("f = None\ndef f(x):\n    return 1\nf = lambda x: 3\nrun.check('x', f)", False),
    ],
)
def test_an_answer_that_is_not_left_open_is_seen(code, open_):
    (cell,) = cells_of(f"# %%\n{code}\n")
    assert answered(cell) is not open_
