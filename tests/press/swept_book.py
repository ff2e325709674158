"""A whole chapter with a companion whose sweep was accepted, and edits of what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

from press.results.live import live_points
from press.run.execute import execute_all
from tests.press.whole_chapter import whole_chapter, whole_sheet

SWEPT = """\
run.result("third", n / 3, atol=1e-3, rtol=0.0, interval=(0, n), n=n)
run.result("noise", run.rng("noise").normal(), atol=1e-3)
"""
PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
n: int = 1  # a number, 1 ≤ x ≤ 9
"""
NAME = "pixels/whole/_point"
TABLE = f"results/{NAME}/sweep.json"


def make_swept_book(root: Path):
    """The book: swept, accepted, and its live point run again."""
    from tests.press.conftest import make_book

    book = make_book(root)
    book.write("chapters/pixels/whole/whole.py", whole_chapter("pixels/whole"))
    book.write("chapters/pixels/whole/exercises.py", whole_sheet("pixels/whole"))
    book.write("chapters/pixels/whole/grounds.yml", "run_on: simulation\n")
    book.chapter(NAME, SWEPT, parameters=PARAMETERS)
    book.commit()
    done = book.medbook("sweep", "_point", "-g", "n=2,3", "--seeds", "1-2", "--accept")
    assert done.returncode == 0, done.stderr
    (live,) = live_points(book.project)
    (outcome,) = execute_all(book.project, [live.job])
    assert outcome.failure is None
    return book


def edit_table(book, change):
    path = book.root / TABLE
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def place_of_live(content):
    return [point["point"] for point in content["points"]].index(content["live"])


def shift(amount, of="third"):
    def change(content):
        column = next(c for c in content["results"] if c["name"] == of)
        column["values"][place_of_live(content)] += amount

    return change


def other_machine(content):
    content["made_by"]["processor"] = ["a processor of another kind"]
    content["made_by"]["arithmetic"] = [{"cpu_capability": "ANOTHER"}]
