"""An accepted table takes in new points, and is what one sweep of all would have been."""

import pytest

from medlib.experiment.tables import SweepTable, read_kept
from press.errors import Exit

POWERS = """\
run.result("power", base**seed, unit="dB", interval=(0, 100), n=4)
if base > 2:
    run.result("half", base / 2)
run.claim("the base is a small number", base < 3, margin=2.5 - base)
"""
PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
base: int = 1  # what to raise, 0 < x ≤ 10
n: int = 1  # another number, x ≥ 1
"""
SMALL = ("sweep", "powers", "-g", "base=4,2", "--seeds", "1-2")


@pytest.fixture
def powers(book):
    book.chapter("pixels/powers", POWERS, parameters=PARAMETERS)
    book.commit()
    return book


def accepted(book):
    return read_kept(book.root / "results/pixels/powers/sweep.json", SweepTable)


def told(table):
    """All that a table says, less when, on what and how long it was computed."""
    dump = table.model_dump(exclude={"made_by", "live"})
    for point in dump["points"]:
        del point["cpu_s"]
    return dump


def test_points_that_join_make_the_table_that_one_sweep_would_have_made(powers):
    first = powers.medbook(*SMALL, "--accept")
    assert first.returncode == 0, first.stderr
    old = accepted(powers)
    row = powers.medbook(
        "sweep", "powers", "-g", "base=3", "--seeds", "1-2", "--extend", "--accept"
    )
    assert row.returncode == 0, row.stderr
    assert row.stdout.count("start ") == 2
    middle = accepted(powers)
    assert middle.grid == {"base": [2, 3, 4], "seed": [1, 2]}
    more = powers.medbook(
        "sweep", "powers", "-g", "base=2,3,4", "--seeds", "0,3", "--extend", "--accept"
    )
    assert more.returncode == 0, more.stderr
    both = accepted(powers)
    assert both.made_by.cpu_s == pytest.approx(sum(p.cpu_s for p in both.points), abs=0.5)
    assert both.made_by.first == old.made_by.first
    assert both.made_by.last > middle.made_by.last
    cheapest = min(both.points, key=lambda point: point.cpu_s)
    assert both.live == cheapest.point
    whole = powers.medbook("sweep", "powers", "-g", "base=2,3,4", "--seeds", "0,1,2,3", "--accept")
    assert whole.returncode == 0, whole.stderr
    assert told(accepted(powers)) == told(both)
    assert accepted(powers).made_by.modules == both.made_by.modules
    found = powers.medbook("check", "powers").stderr
    assert "sweep.json" not in found


def test_what_cannot_be_joined_is_refused_before_anything_runs(powers):
    asked = ("sweep", "powers", "-g", "base=3", "--seeds", "1-2", "--extend", "--accept")

    def refused(*words):
        said = powers.medbook(*words)
        assert said.returncode == Exit.USAGE, said.stdout
        assert "start " not in said.stdout
        return said.stderr

    assert "no table of pixels/powers is accepted yet: leave --extend out" in refused(*asked)
    assert powers.medbook(*SMALL, "--accept").returncode == 0
    before = (powers.root / "results/pixels/powers/sweep.json").read_bytes()
    powers.commit()
    few = [word.replace("1-2", "1") for word in asked]
    assert "no whole grid: base=3 seed=2 would be missing" in refused(*few)
    assert "n=1 there and n=5 here" in refused(*asked, "-p", "n=5")
    message = refused("sweep", "powers", "-g", "base=3", "--extend", "--accept")
    assert "is over base, seed, these points over base: sweep the same" in message
    powers.edit("chapters/pixels/powers/powers.py", "base / 2", "base / 5")
    powers.commit()
    message = refused(*asked)
    assert "its code cells changed: its points have to be made again, without --extend" in message
    assert (powers.root / "results/pixels/powers/sweep.json").read_bytes() == before
