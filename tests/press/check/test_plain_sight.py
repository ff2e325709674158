"""An answer planted in a page, in a woven notebook and in the student edition turns them red."""

import json

import jupytext
import pytest

from medlib.experiment.exercises import Choice, Code, Known, Mistake, Number
from press.check.plain_sight import answers_in_plain_sight
from press.page.exercise import exercise_markdown, with_exercises
from press.source.weave import student_edition, weave

SOURCE = """\
# %% [markdown]
# # A title

# %% tags=["parameters"]
seed: int = 0  # master seed

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: share
# A scan keeps 12 of 30 units. Which share is enough?
# ```

# %% tags=["self-check"]
answer = None  # a share
run.check("share", answer)

# %% [markdown]
# ```{exercise}
# :label: which
# Which of them is it?
# ```

# %% tags=["self-check"]
answer = None  # a letter
run.check("which", answer)

# %% [markdown]
# ```{exercise}
# :label: mean
# Write the mean.
# ```

# %% tags=["self-check"]
def mean(x):
    return None  # your line


run.check("mean", mean)
"""
SHEET = {
    exercise.name: exercise
    for exercise in (
        Number(
            name="share",
            asks="share of the dose",
            answer=lambda known: known["scale"] * 0.16,
            tolerance=0.005,
            mistakes=[Mistake(0.4, "that is the share of the noise and by no means of the dose")],
            otherwise="think of how the noise goes with the square root of dose",
            hints=["the variance of a count is the count itself, is it not", "take its root"],
            solution="Noise goes as one over the root of the dose, so it is $0.4^2 = 0.16$.",
        ),
        Choice(
            name="which",
            asks="one of them",
            options={"a": "The first of the two.", "b": "The second of the two."},
            answer="a",
            because={"b": "the second comes too late for anything of this kind"},
            hints=["look at them", "look again"],
            solution="It can only be the first, because nothing else was there before.",
        ),
        Code(
            name="mean",
            asks="a function",
            check=lambda answer, scene: None,
            example=lambda scene: sum,
            hints=["add", "divide"],
            solution="Add up and divide:\n\n```python\n"
            "def mean(x):\n    return sum(x) / max(len(x), 1)\n```\n",
            wrong=[],
        ),
    )
}
KNOWN = Known({"scale": 1.0}, {})


def weave_text(tmp_path, text):
    path = tmp_path / "chapter.py"
    path.write_text(text, encoding="utf-8")
    return weave(path)


def editions(tmp_path, text):
    """A chapter as woven, for students, and as a page."""
    woven = weave_text(tmp_path, text)
    page = with_exercises(woven, SHEET, chapter="pixels/x", known=KNOWN)
    return {"woven": woven, "student": student_edition(woven), "page": page}


def seen_in(notebook):
    return answers_in_plain_sight(notebook.cells, SHEET, known=KNOWN)


@pytest.mark.parametrize("edition", ["woven", "student", "page"])
def test_a_clean_chapter_shows_nothing(tmp_path, edition):
    assert seen_in(editions(tmp_path, SOURCE)[edition]) == []


PLANTED = [
    ("# # A title", "# # A title\n# Noise goes as one over the root of the dose.", "the solution"),
    ("# # A title", "# # A title\n# The variance of a *count* is the count itself!", "a hint"),
    ("Which share", "Think of how the noise goes with the square root. Which share", "a word on a"),
    ("Write the mean.", "Not `return sum(x)/max(len(x), 1)`.", "the solution of exercise 'mean'"),
    ("is enough?", "is enough, .16 or more?", "answer to exercise 'share' stands in its own words"),
    ("# a share", "# a share, such as 0.162", "'share' stands in its own words"),
    ("Which of them", "The second comes too late for anything. Which of them", "on an option"),
]


@pytest.mark.parametrize("edition", ["woven", "student", "page"])
@pytest.mark.parametrize(("old", "new", "said"), PLANTED)
def test_a_planted_answer_is_seen(tmp_path, edition, old, new, said):
    assert old in SOURCE
    if edition == "page" and new.startswith("# a share"):
        pytest.skip("the page has no cell to answer a number in")
    found = seen_in(editions(tmp_path, SOURCE.replace(old, new, 1))[edition])
    assert any(said in message for message in found), found


@pytest.mark.parametrize("edition", ["woven", "student"])
def test_an_answer_left_in_its_cell_is_seen(tmp_path, edition):
    text = SOURCE.replace("answer = None  # a share", "answer = 2 / 5  # a share")
    found = seen_in(editions(tmp_path, text)[edition])
    assert any("the answer to 'share' is not left open" in message for message in found)


def test_a_printed_solution_is_seen(tmp_path):
    notebook = weave_text(tmp_path, SOURCE)
    text = SHEET["share"].solution
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": text}}
    notebook.cells[3].outputs = [output]
    assert any("the solution" in message for message in seen_in(notebook))


@pytest.mark.parametrize("name", SHEET)
def test_no_words_of_an_exercise_stand_in_the_source_of_its_page(name):
    exercise = SHEET[name]
    text = exercise_markdown(exercise, chapter="pixels/x", known=KNOWN)
    secrets = [exercise.solution, *exercise.hints]
    if isinstance(exercise, Number):
        secrets += [m.words for m in exercise.mistakes] + [exercise.otherwise, "0.16"]
    elif isinstance(exercise, Choice):
        secrets += exercise.because.values()
    assert not any(secret.strip().lower() in text.lower() for secret in secrets)
    data = json.loads(text.partition('exercise-data">')[2].partition("</script>")[0])
    assert "answer" not in data
    assert not any(isinstance(value, int | float) and value == 0.16 for value in data.values())


def test_a_number_that_follows_from_a_run_waits_for_the_run(tmp_path):
    text = SOURCE.replace("is enough?", "is enough, .16 or more?")
    cells = jupytext.reads(text, fmt="py:percent")["cells"]
    assert answers_in_plain_sight(cells, SHEET) == []
