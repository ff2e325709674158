"""What a person sees: a live table on a terminal, plain lines elsewhere."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from press.run.execute import Failure, Job, Outcome
from press.run.progress import (
    CELL,
    SECONDS,
    LiveTable,
    PlainLines,
    columns,
    display,
    seconds_left,
)
from press.source.project import Chapter

seconds = st.floats(0.1, 100)


def job(name, expected_s=None):
    return Job(
        chapter=Chapter("pixels", name, None),
        parameters={},
        destination=None,
        expected_s=expected_s,
    )


def test_plain_lines_tell_start_end_and_why(capsys):
    good, bad = job("good", 75.0), job("bad")
    with display([good, bad], workers=1, console=Console(file=io.StringIO())) as listener:
        assert isinstance(listener, PlainLines)
        listener.started(good, 12)
        listener.cell(good, 3, "A section")
        listener.tick()
        listener.finished(Outcome(good, 61.0))
        listener.started(bad, 2)
        listener.finished(Outcome(bad, 0.5, Failure("pixels/bad", "pixels/bad: it broke")))
    assert capsys.readouterr().out.splitlines() == [
        "start   pixels/good (12 cells, about 1:15)",
        "done    pixels/good in 1:01 [1/2]",
        "start   pixels/bad (2 cells)",
        "FAILED  pixels/bad in 0.5 s [2/2]",
        "        pixels/bad: it broke",
    ]


def test_the_live_table_shows_cell_section_seconds_and_what_is_left():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    jobs = [job("first", 1000.0), job("second", 1000.0), job("third", 500.0)]
    with display(jobs, workers=2, console=console) as listener:
        assert isinstance(listener, LiveTable)
        listener.started(jobs[0], 31)
        listener.cell(jobs[0], 7, "Training the network")
        listener.started(jobs[1], 5)
        listener.tick()
        listener.live.refresh()
        listener.finished(Outcome(jobs[1], 3.0, Failure("pixels/second", "pixels/second: oh")))
        listener.tick()
        listener.live.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert re.search(r"pixels/first .*cell 7/31 .* s .*Training the network", text)
    assert "0 of 3 done" in text
    assert re.search(r"1 waiting, about 2[45]:\d\d left", text)  # 25:00 less what passed meanwhile
    assert "✗ pixels/second  3.0 s" in text
    assert "pixels/second: oh" in text
    assert "1 of 3 done" in text


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_live_table_fits_the_terminal_with_every_seed_cell_and_second(width):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    jobs = [
        replace(job("extract_or_finetune", 75.0), label=f"translation/extract_or_finetune {word}")
        for word in ("seed 9", "seed 10")
    ]
    with display(jobs, workers=2, console=console) as listener:
        listener.started(jobs[0], 100)
        listener.cell(jobs[0], 100, "What breaks it: the danger zone")
        listener.started(jobs[1], 40)
        listener.tick()
        listener.live.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    rows = [row.rstrip() for row in re.split(r"[\r\n]+", text) if row.startswith("translation")]
    assert len(rows) >= 2
    assert max(map(len, rows)) <= width
    assert re.search(r"cell 100/100 +\d\.\d s", rows[0])
    assert re.search(r"kernel starts +\d\.\d s", rows[1])
    if width > 60:  # where not even the names fit
        assert "seed 9 " in rows[0]
        assert "seed 10 " in rows[1]


@given(st.integers(50, 300), st.integers(1, 60))
def test_columns_never_exceed_the_terminal(width, longest):
    name, bar, section = columns(width, longest=longest)
    used = name + bar + CELL + SECONDS + 3 + (section + 1 if section else 0)
    assert used <= width
    assert min(name, longest) >= 8 or name == max(longest, 8)
    assert bar >= 4


def test_without_an_earlier_run_nothing_is_promised():
    assert seconds_left([(1.0, None)], [], workers=1) is None
    assert seconds_left([(1.0, 2.0)], [None], workers=2) is None


def test_a_chapter_that_takes_longer_than_before_has_no_negative_rest():
    assert seconds_left([(9.0, 2.0)], [], workers=1) == 0.0


@given(st.lists(seconds, min_size=1), st.integers(1, 8))
def test_what_is_left_lies_between_perfect_sharing_and_one_worker(waiting, workers):
    left = seconds_left([], waiting, workers=workers)
    assert left >= max(max(waiting), sum(waiting) / workers) * (1 - 1e-9)
    assert left <= sum(waiting) * (1 + 1e-9)
