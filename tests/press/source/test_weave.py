"""Sources become notebooks for papermill; students get no solutions; outputs find their cells."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from press.errors import UserError
from press.source.cells import tags_of
from press.source.weave import (
    code_digest,
    find_cell,
    merge_outputs,
    parameters_source,
    sections,
    student_edition,
    title,
    weave,
    write_notebook,
)

SOURCE = """\
# %% [markdown]
# # Dose
# A question.

# %% tags=["parameters"]
seed: int = 0  # master seed
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"

# %% [markdown]
# ## Exercise 1
# Find the answer.

# %% [markdown] tags=["solution"]
# The answer is forty-two.

# %% tags=["solution", "hide-input"]
answer = 42

# %%
print("seed", seed)
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "dose.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_a_woven_chapter_is_a_valid_notebook_with_a_language(source):
    notebook = weave(source)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec["language"] == "python"
    assert notebook.metadata.kernelspec["name"] == "python3"
    assert [cell.cell_type for cell in notebook.cells] == [
        "markdown",
        "code",
        "markdown",
        "markdown",
        "code",
        "code",
    ]
    assert parameters_source(notebook).startswith("seed: int = 0")


def test_weaving_twice_gives_the_same_bytes(source, tmp_path):
    for name in ("a.ipynb", "b.ipynb"):
        write_notebook(weave(source), tmp_path / name)
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.ipynb", "b.ipynb", "dose.py"]


def test_title_and_sections_follow_the_headings(source):
    notebook = weave(source)
    assert title(notebook) == "Dose"
    assert sections(notebook) == ["Dose", "Dose", *["Exercise 1"] * 4]


def test_a_hash_in_code_is_no_heading(source):
    notebook = weave(source)
    notebook.cells[1].source = "# # no heading"
    assert sections(notebook)[1] == "Dose"


def test_the_student_edition_holds_no_solution(source):
    notebook = weave(source)
    edition = student_edition(notebook)
    text = json.dumps(edition)
    assert "forty-two" not in text
    assert "42" not in text
    assert "Find the answer" in text
    assert not any("solution" in tags_of(cell) for cell in edition.cells)
    assert len(notebook.cells) == 6


@pytest.mark.parametrize("fence", ["```", "````", ":::"])
def test_an_untagged_solution_stops_the_student_edition(source, fence):
    text = SOURCE.replace('# %% [markdown] tags=["solution"]', "# %% [markdown]")
    text = text.replace("# The answer", f"# {fence}{{solution}} exercise-1\n# The answer")
    source.write_text(text)
    with pytest.raises(UserError, match="not tagged 'solution'"):
        student_edition(weave(source))


def test_prose_tags_and_outputs_do_not_count_as_code(source):
    before = code_digest(weave(source))
    source.write_text(SOURCE.replace("A question.", "Another.").replace(', "hide-input"', ""))
    assert code_digest(weave(source)) == before
    notebook = weave(source)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="x")]
    assert code_digest(notebook) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("answer = 42", "answer = 43"), ("# master seed", "# seed"), ("# %%\nprint", "\nprint")],
    ids=["value", "comment", "joined cells"],
)
def test_code_counts_as_code(source, old, new):
    before = code_digest(weave(source))
    assert old in SOURCE
    source.write_text(SOURCE.replace(old, new))
    assert code_digest(weave(source)) != before


def executed(notebook):
    """`notebook` as papermill leaves it: outputs, counts, an injected cell, widget state."""
    run = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for count, cell in enumerate((c for c in run.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.outputs = [nbformat.v4.new_output("stream", text=f"output {count}")]
        cell.metadata["papermill"] = {"duration": 0.1}
    place = find_cell(run, "parameters")
    injected = nbformat.v4.new_code_cell("# Parameters\nseed = 3\n")
    injected.metadata["tags"] = ["injected-parameters"]
    run.cells.insert(place + 1, injected)
    run.metadata["widgets"] = {"state": {}}
    return run


def test_outputs_land_on_the_cells_that_made_them(source):
    run = executed(weave(source))
    text = SOURCE.replace("# A question.", "# Better.\n\n# %% [markdown]\n# More.")
    source.write_text(text.replace("# %%\nprint", '# %% tags=["hide-input"]\nprint'))
    merged = merge_outputs(weave(source), run)
    nbformat.validate(merged)
    code = [cell for cell in merged.cells if cell.cell_type == "code"]
    shown = [(cell.source.splitlines()[-1], [o.text for o in cell.outputs]) for cell in code]
    assert shown == [
        ('device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"', ["output 1"]),
        ("seed = 3", []),
        ("answer = 42", ["output 2"]),
        ('print("seed", seed)', ["output 3"]),
    ]
    assert tags_of(code[-1]) == {"hide-input"}
    assert "Better." in merged.cells[0].source
    assert merged.cells[1].source == "More."
    assert merged.metadata.widgets == {"state": {}}
    assert merged.metadata.kernelspec["language"] == "python"


def test_outputs_of_other_code_are_refused(source):
    run = executed(weave(source))
    source.write_text(SOURCE.replace("answer = 42", "answer = 43"))
    with pytest.raises(ValueError, match="code cells differ"):
        merge_outputs(weave(source), run)


@given(
    st.lists(st.tuples(st.booleans(), st.text(st.characters(codec="ascii"), max_size=20))),
    st.lists(st.integers(0, 20)),
)
def test_merging_is_blind_to_where_prose_stands(cells, places):
    make = {True: nbformat.v4.new_code_cell, False: nbformat.v4.new_markdown_cell}
    notebook = nbformat.v4.new_notebook(cells=[make[code](text) for code, text in cells])
    run = executed_plain(notebook)
    for place in places:
        notebook.cells.insert(place, nbformat.v4.new_markdown_cell("prose"))
    merged = merge_outputs(notebook, run)
    texts = [c.outputs[0].text for c in merged.cells if c.cell_type == "code"]
    assert texts == [str(i) for i in range(len(texts))]
    assert len(merged.cells) == len(cells) + len(places)


def executed_plain(notebook):
    run = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for count, cell in enumerate(c for c in run.cells if c.cell_type == "code"):
        cell.outputs = [nbformat.v4.new_output("stream", text=str(count))]
    return run


def test_a_source_without_parameters_is_an_error(tmp_path):
    path = tmp_path / "bare.py"
    path.write_text("# %%\nx = 1\n")
    with pytest.raises(UserError, match='no code cell is tagged "parameters"'):
        weave(path)


def test_a_missing_or_binary_source_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="there is no such chapter"):
        weave(tmp_path / "none.py")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not UTF-8"):
        weave(tmp_path / "binary.py")


def test_plain_papermill_runs_what_medbook_weaves(ready_book):
    done = ready_book.medbook("weave", "alpha", "-o", str(ready_book.root / "out"))
    assert done.returncode == 0, done.stderr
    notebook = ready_book.root / "out" / "pixels" / "alpha.ipynb"
    result = ready_book.root / "mine.ipynb"
    command = [sys.executable, "-m", "papermill", str(notebook), str(result), "-p", "factor", "3"]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ready_book.root,
        env={**os.environ, "PYTHONPATH": str(ready_book.root)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "unknown parameter" not in run.stderr
    (record,) = (ready_book.root / "medbook-runs/pixels/alpha").glob("*/record.json")
    found = json.loads(record.read_text())
    assert (found["parameters"]["factor"], found["results"][0]["value"]) == (3.0, 12.0)
