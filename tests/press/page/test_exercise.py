"""An exercise becomes a block of sealed data, in the place of its cell or below it."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from medlib.experiment.answers import WrongForm
from medlib.experiment.exercises import Choice, Code, Known, Mistake, Number
from press.page.exercise import (
    answers_of,
    exercise_data,
    exercise_markdown,
    markdown_html,
    with_exercises,
)
from press.page.sealed import open_box, open_sealed

COMMON = {"hints": ["first $x$", "second"], "solution": "So:\n\n```python\nx = 1\n```"}
GAIN = Number(
    name="gain",
    asks="gain in `dB`",
    answer=lambda known: 10 * known["ratio"],
    tolerance=0.5,
    unit="dB",
    within=(0, 100),
    mistakes=[Mistake(lambda known: known["ratio"], "that is the ratio")],
    otherwise="take the logarithm",
    **COMMON,
)
WHICH = Choice(
    name="which", asks="one", options={"a": "$1 < 2$", "b": "no"}, answer="a",
    because={"b": "look again"}, **COMMON,
)  # fmt: skip
WRITE = Code(
    name="write",
    asks="a function",
    check=lambda a, s: None,
    example=lambda s: 1,
    wrong=[],
    **COMMON,
)
KNOWN = Known({}, {"ratio": 3.0})
SHEET = {exercise.name: exercise for exercise in (GAIN, WHICH, WRITE)}


def data_of(exercise, known=KNOWN):
    text = exercise_markdown(exercise, chapter="pixels/x", known=known)
    return json.loads(text.partition('exercise-data">')[2].partition("</script>")[0])


def cell_of(exercise):
    cell = new_code_cell(f'answer = None\nrun.check("{exercise.name}", answer)')
    cell.outputs = [new_output("stream", text="Not yet.")]
    return cell


def test_the_cell_of_a_number_goes_and_that_of_code_stays_without_what_it_printed():
    notebook = new_notebook(cells=[new_markdown_cell("# x"), *map(cell_of, SHEET.values())])
    page = with_exercises(notebook, SHEET, chapter="pixels/x", known=KNOWN)
    assert [cell.cell_type for cell in page.cells] == ["markdown"] * 3 + ["code", "markdown"]
    assert page.cells[3].outputs == []
    assert [cell.outputs[0].text for cell in notebook.cells[1:]] == ["Not yet."] * 3


def test_cells_that_check_nothing_known_stay_as_they_are():
    notebook = new_notebook(cells=[new_code_cell("x = 1"), new_code_cell('run.check("y", x)')])
    assert with_exercises(notebook, SHEET, chapter="pixels/x", known=KNOWN).cells == notebook.cells


def test_a_measured_answer_is_computed_from_the_run_and_sealed():
    data = data_of(GAIN)
    cell = (30 - data["offset"]) // data["width"]
    assert cell == GAIN.grid(KNOWN).right
    opened = open_box(data["boxes"], str(int(cell)), salt=data["salt"], name="gain")
    assert opened == {"right": True, "words": ""}
    wrong = open_box(data["boxes"], str(GAIN.grid(KNOWN).cell(3.0)), salt=data["salt"], name="gain")
    assert wrong == {"right": False, "words": "<p>That is the ratio.</p>"}
    assert data_of(GAIN, Known({}, {"ratio": 4.0}))["boxes"] != data["boxes"]


def test_an_answer_that_was_not_measured_is_an_error_that_says_so():
    with pytest.raises(WrongForm, match="has not measured 'ratio'"):
        exercise_data(GAIN, chapter="pixels/x", known=Known({}, {}))


def test_hints_and_solution_open_with_their_labels():
    data = data_of(WHICH)
    hint = open_sealed(data["hints"][0], salt=data["salt"], label="which/hint/0")
    assert hint == r'<p>First <span class="math inline">\(x\)</span>.</p>'
    solution = open_sealed(data["solution"], salt=data["salt"], label="which/solution")
    assert '<span class="n">x</span>' in solution


def test_each_option_has_a_box_and_a_text_that_ends_no_script():
    text = exercise_markdown(WHICH, chapter="pixels/x", known=KNOWN)
    assert text.count("</script>") == 1
    data = data_of(WHICH)
    assert data["options"]["a"].endswith(r"\(1 &lt; 2\)</span>")
    for letter, right in (("a", True), ("b", False)):
        assert open_box(data["boxes"], letter, salt=data["salt"], name="which")["right"] is right


def test_of_two_words_on_one_cell_the_first_counts():
    twice = Number(
        name="n", asks="x", answer=1, tolerance=0.1, otherwise="no, it is not",
        mistakes=[Mistake(2, "first"), Mistake(2.05, "second")], **COMMON,
    )  # fmt: skip
    words = {}
    for answer, _, said in answers_of(twice, {}):
        words.setdefault(answer, said)
    assert words[str(twice.grid({}).cell(2.0))] == "first"
    assert twice.judge(2.0, known={}).words == "first"


def test_markdown_becomes_html():
    assert markdown_html("a *b*", inline=True) == "a <em>b</em>"
    shown = markdown_html("$$ x < 1 $$")
    assert shown == '<div class="math block">\n\\[x &lt; 1\\]\n</div>'
