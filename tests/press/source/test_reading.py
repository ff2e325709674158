"""What there is to read in a chapter: words, visible lines, figures, exercises, minutes."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.source.reading import (
    LINES_PER_MINUTE,
    MINUTES_PER_EXERCISE,
    MINUTES_PER_FIGURE,
    RULE,
    WORDS_PER_MINUTE,
    Reading,
    on_reader_path,
    reading_of,
    words_in,
)
from press.source.weave import merge_outputs, weave

PATH = {"medbook": {"reader_path": True}}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Noise is counted photons.", 4),
        ("# A heading\n\n- one item\n- *two* **items**", 6),
        ("It's the well-known Poisson law", 5),
        ("With $x_j = \\sum_i r_{ji}$ and $$\ny = 2\n$$ we are done.", 7),
        ("Costs $5 and 3 dB, n = 12", 4),
        (
            "See {cite}`kak1988`, [the notes](https://a.example/words) and <!-- a hidden one -->",
            4,
        ),
        ("```python\nx = these + are + no + words\n```\nBut these are.", 3),
        ("```{exercise}\n:label: one\nNot counted.\n```\nCounted.", 1),
        (":::{dropdown} Deeper: why\n:class-container: deeper\nNot counted.\n:::\nCounted.", 1),
        (":::{dropdown} More\nCounted too.\n:::", 3),
        (":::{admonition} A title\n:class: note\nCounted too.\n:::", 4),
        (
            "::::{dropdown} Deeper\n:class-container: deeper\n:::{note}\nNo.\n:::\nNo.\n::::\nYes.",
            1,
        ),
        ("", 0),
    ],
)
def test_words_that_every_reader_reads(text, count):
    assert words_in(text) == count


def test_a_chapter_is_counted_from_its_source_alone():
    cells = [
        new_markdown_cell("Ten words of prose stand in this cell, no more."),
        new_code_cell("seed: int = 0", metadata={"tags": ["parameters"]}),
        new_code_cell("# a comment\nimport numpy\n\nx = 1", metadata={"tags": ["key"]}),
        new_code_cell("y = 1\nz = 2"),
        new_code_cell("run.figure(f)\nrun.frames(g)"),
        new_code_cell("run.say('The network gains {gain:.1f} dB over ' 'the best filter.')"),
        new_markdown_cell(
            "```{exercise}\n:label: a\nWhy?\n```\n\n```{exercise}\n:label: b\nHow?\n```"
        ),
        new_code_cell("answer = None", metadata={"tags": ["self-check"]}),
        new_markdown_cell("Not these words.", metadata={"tags": ["solution"]}),
    ]
    found = reading_of(new_notebook(cells=cells, metadata=PATH))
    assert found == Reading(words=10 + 8, lines=3, figures=2, exercises=2)
    open_cells = reading_of(new_notebook(cells=cells))
    assert open_cells.lines == 3 + 2 + 2 + 1  # off the path every cell that is not folded


def test_minutes_follow_the_printed_rule():
    none = Reading(0, 0, 0, 0)
    assert none.minutes == 5
    assert Reading(20 * WORDS_PER_MINUTE, 0, 0, 0).minutes == 20
    assert Reading(0, 20 * LINES_PER_MINUTE, 0, 0).minutes == 20
    assert Reading(0, 0, 20, 0).minutes == 20 * MINUTES_PER_FIGURE
    assert Reading(0, 0, 0, 5).minutes == 5 * MINUTES_PER_EXERCISE
    assert Reading(WORDS_PER_MINUTE * 22, 0, 0, 0).minutes == 20
    for number in (WORDS_PER_MINUTE, LINES_PER_MINUTE, MINUTES_PER_EXERCISE):
        assert str(number) in RULE


def test_words_to_a_line():
    assert Reading(900, 100, 0, 0).words_per_line == 9
    assert Reading(900, 0, 0, 0).words_per_line == float("inf")


CHAPTER = """\
# ---
# jupyter:
#   medbook:
#     reader_path: true
# ---

# %% tags=["parameters"]
seed: int = 0  # master seed
"""


def test_the_header_declares_the_path_and_an_old_run_cannot_undo_it(tmp_path):
    path = tmp_path / "chapter.py"
    path.write_text(CHAPTER)
    declared = weave(path)
    path.write_text(CHAPTER.replace("true", "false"))
    undeclared = weave(path)
    path.write_text(CHAPTER.split("# ---\n\n")[1])
    silent = weave(path)
    assert [on_reader_path(book) for book in (declared, undeclared, silent)] == [True, False, False]
    assert on_reader_path(merge_outputs(declared, silent))
    assert not on_reader_path(merge_outputs(silent, declared))
