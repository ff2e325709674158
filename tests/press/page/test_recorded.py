"""What a chapter's own page says of its recorded sweep: by what it was made, and what agrees."""

import json
import shutil

import pytest

from press.errors import UserError
from press.page.recorded import recorded_lines, recorded_list
from press.results.live import live_point
from press.source.project import Project
from tests.press.swept_book import NAME, TABLE, edit_table, other_machine, shift


def told(book) -> str:
    """The one line on the one recorded sweep."""
    (line,) = [li for li in recorded_lines(Project(book.root), "pixels/whole") if li[:2] == "- "]
    return line.replace("\u00a0", " ")


def test_when_by_what_and_how_long_it_was_made(live_book):
    edit_table(live_book, lambda content: content["made_by"].update(
        first="2026-03-30T23:00:00Z", last="2026-04-02T01:00:00Z", cpu_s=3.5 * 3600,
        processor=["a <new> one"], commits=["0123456789abcdef"],
    ))  # fmt: skip
    line = told(live_book)
    assert line.startswith("- `_point`, a sweep of 4 points: 30 March 2026 to 02 April 2026,")
    assert "commit `0123456789`, a &lt;new&gt; one, 3.5 h of CPU. One point (" in line


def test_the_point_that_was_run_again_is_the_same_to_the_bit(live_book):
    point = live_point(Project(live_book.root), NAME).told
    said = f"One point ({point}) was run again in this build: **the same to the bit**."
    assert told(live_book).endswith(said)


@pytest.mark.parametrize("amount", [0.0, 9e-4])
def test_elsewhere_it_is_the_same_within_tolerance(live_book, amount):
    edit_table(live_book, other_machine)
    edit_table(live_book, shift(amount))
    assert told(live_book).endswith("**the same within tolerance, on other arithmetic**.")


@pytest.mark.parametrize(("where", "amount"), [("here", 2**-50), ("elsewhere", 2e-3)])
def test_a_point_that_differs_is_called_so(live_book, where, amount):
    if where == "elsewhere":
        edit_table(live_book, other_machine)
    edit_table(live_book, shift(amount))
    assert told(live_book).endswith("in this build: **it differs** in 1 of 2 results.")
    status = "\n".join(recorded_list(Project(live_book.root), "pixels/whole"))
    assert "run again: it differs." in status


def test_a_point_that_is_still_to_run_is_not_said_to_agree(live_book):
    (live_book.root / "build/live" / NAME / "record.json").unlink()
    assert told(live_book).endswith("is to be run again, and was **not yet**.")


def test_a_small_run_beside_the_sweep_is_not_called_a_point_of_it(live_book):
    assert live_point(Project(live_book.root), NAME).beside is False
    live_book.write("chapters/pixels/whole/profiles.yml", "companions: {_point: {live: {n: 9}}}\n")
    beside = json.loads((live_book.root / TABLE).read_text("utf-8")) | {"profile": "live"}
    live_book.write(TABLE.replace("sweep.json", "live.json"), json.dumps(beside))
    (live_book.root / "build/live" / NAME / "record.json").unlink()
    live = live_point(Project(live_book.root), NAME)
    assert live.beside is True
    assert "a sweep of 4 points" in told(live_book)
    said = f"A small run by the same code ({live.told}) is to be run again, and was **not yet**."
    assert told(live_book).endswith(said)
    assert "One point" not in told(live_book)
    status = "\n".join(recorded_list(Project(live_book.root), "pixels/whole"))
    assert f"; the small run {live.told}, run again: not yet" in status


def test_of_a_sweep_of_other_code_none_is_run_again(live_book):
    live_book.edit(f"chapters/{NAME}.py", "n / 3", "n / 4")
    line = told(live_book)
    assert "**The code has changed since**" in line
    assert "the same" not in line


def test_a_sweep_that_names_no_point_says_that_none_is_run_again(live_book):
    edit_table(live_book, lambda content: content.pop("live"))
    assert told(live_book).endswith("of CPU. Nothing of it is run again.")


def test_a_chapter_without_recorded_runs_says_nothing(live_book):
    shutil.rmtree(live_book.root / "results")
    assert recorded_lines(Project(live_book.root), "pixels/whole") == []


def test_a_damaged_table_is_not_passed_over(live_book):
    (live_book.root / TABLE).write_text(json.dumps({"schema_version": 99}), "utf-8")
    with pytest.raises(UserError, match="of another version"):
        recorded_lines(Project(live_book.root), "pixels/whole")
