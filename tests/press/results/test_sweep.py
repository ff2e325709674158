"""A sweep: every point once, kept and resumed, failures told, one tidy table."""

import csv
import io
import json
import os
from itertools import product

import pandas as pd
import pytest

from medlib.experiment.tables import SweepTable, column_of, read_kept
from press.cli.main import main
from press.errors import Exit, UserError
from press.results.points import PointStore
from press.results.sweep import plan_sweep
from press.results.sweep_table import render
from press.source.given import declared_parameters, read_grid, read_seeds
from press.source.project import Project

POWERS = """\
if base == 3 and seed == 2:
    raise RuntimeError("three on two is unlucky")
run.result("power", base**seed, unit="dB", interval=(0, 100), n=4)
run.result("half", base / 2)
run.claim("the base is a small number", base < 3, margin=2.5 - base)
"""
PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
base: int = 1  # what to raise, 0 < x ≤ 10
sizes: list[float] = [1.0]  # some sizes, 0 < x ≤ 9
words: str = "none"  # any text
n: int = 1  # bears the name of a column, x ≥ 1
"""


@pytest.fixture
def powers(book):
    book.chapter("pixels/powers", POWERS, parameters=PARAMETERS)
    return book


def planned(book, *grid, seeds=None, given=None, profile="book", chapter="powers", store=None):
    project = Project(book.root)
    found = project.notebook(chapter)
    declared = declared_parameters(project, found)
    return plan_sweep(
        project,
        found,
        declared=declared,
        grid=read_grid(declared, grid, chapter=found),
        seeds=seeds,
        given=given,
        profile=profile,
        store=store,
    )


# -- points ----------------------------------------------------------------------------------------


def test_the_points_are_the_product_of_grid_and_seeds(powers):
    sweep = planned(powers, "base=2,3", "n=5,6,7", seeds=[1, 2])
    names = ("base", "n", "seed")
    expected = [dict(zip(names, v, strict=True)) for v in product((2, 3), (5, 6, 7), (1, 2))]
    assert [point.swept for point in sweep.points] == expected
    for point in sweep.points:
        assert point.job.parameters == {
            "device": "cpu", "sizes": [1.0], "words": "none", **point.swept
        }  # fmt: skip
    assert len({point.key for point in sweep.points}) == 12
    assert len({point.job.destination for point in sweep.points}) == 12
    assert sweep.fixed == {"device": "cpu", "sizes": [1.0], "words": "none"}


def test_a_points_folder_depends_on_its_parameters_and_nothing_else(powers):
    wide = planned(powers, "base=2,3", "n=1,2", seeds=[1, 2])
    narrow = planned(powers, "n=2", seeds=[2], given={"base": 3})
    other = planned(powers, "n=2", seeds=[2], given={"base": 4})
    by_folder = {point.job.destination: point for point in wide.points}
    (point,), (different,) = narrow.points, other.points
    assert by_folder[point.job.destination].job.parameters == point.job.parameters
    assert different.job.destination not in by_folder
    powers.edit("chapters/pixels/powers/powers.py", "unlucky", "most unlucky")
    assert planned(powers, "n=2", seeds=[2], given={"base": 3}).points[0].key == point.key


def test_points_kept_elsewhere_run_in_the_order_in_which_they_were_asked_for(
    powers, monkeypatch, tmp_path
):
    seconds = iter([1.0, 9.0, None] * 2)
    monkeypatch.setattr("press.results.sweep.last_wall_s", lambda _: next(seconds))
    alone, kept = (
        [point.job.expected_s for point in planned(powers, "base=3,4,5", store=store).points]
        for store in (None, PointStore(tmp_path))
    )
    assert (alone, kept) == ([1.0, 9.0, 5.0], [5.0, 5.0, 5.0])


def test_a_point_of_the_book_or_of_other_seeds_is_that_run(powers):
    project = Project(powers.root)
    sweep = planned(powers, "base=1,2", seeds=[0, 7])
    folders = [point.job.destination for point in sweep.points]
    assert folders[0] == project.run_dir(project.chapter("powers"))
    assert folders[1] == powers.root / "build/seeds/pixels/powers/seed-7"
    assert all(
        folder.parent == powers.root / "build/sweeps/pixels/powers" for folder in folders[2:]
    )
    powers.write("chapters/pixels/powers/profiles.yml", "smoke: {}\n")
    for point in planned(powers, "base=1,2", seeds=[0, 7], profile="smoke").points:
        assert point.job.destination.parent == powers.root / "build/sweeps/pixels/powers"


def test_values_are_read_as_the_parameter_says(powers):
    sweep = planned(powers, "sizes=[1,2], [3]", "words=a,b c")
    assert sweep.grid == {"sizes": [[1.0, 2.0], [3.0]], "words": ["a", "b c"]}


@pytest.mark.parametrize(
    ("text", "seeds"), [("1-3", [1, 2, 3]), ("4", [4]), ("0-1, 7", [0, 1, 7]), ("5-5", [5])]
)
def test_seeds_are_read_as_people_write_them(text, seeds):
    assert read_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "5-1", "one", "1-", "-1", "1..3", "1,1", "1-3,2", "0-99999"])
def test_bad_seeds_are_refused(text):
    with pytest.raises(UserError, match="--seeds"):
        read_seeds(text)


# -- bad input: before anything runs ---------------------------------------------------------------

BAD_INPUT = {
    "nothing to sweep": ([], "there is nothing to sweep: give -g NAME=V1,V2 or --seeds"),
    "unknown chapter": (["-g", "base=1"], "there is no chapter 'power': did you mean"),
    "unknown parameter": (["-g", "bse=1,2"], "unknown parameter 'bse' of pixels/powers; did you"),
    "no equals sign": (["-g", "base"], "-g base: expected NAME=V1,V2"),
    "no value": (["-g", "base="], "-g base=: a value is missing"),
    "a value is missing": (["-g", "base=1,,2"], "a value is missing"),
    "wrong type": (["-g", "base=1,two"], "base = 'two': expected a int"),
    "out of range": (["-g", "base=1,11"], "base = 11 is out of range: 0 < x ≤ 10"),
    "a value twice": (["-g", "base=1,2,1"], "1 stands there twice"),
    "a parameter twice": (["-g", "base=1", "-g", "base=2"], "-g base is given twice"),
    "a list without brackets": (["-g", "sizes=1,2"], "write each of its values in brackets"),
    "swept and fixed": (["-g", "base=1,2", "-p", "base=3"], "-g base and -p base both set base"),
    "seed swept twice": (["-g", "seed=1,2", "--seeds", "1-3"], "--seeds and -g seed both"),
    "seed swept and fixed": (["--seeds", "1-3", "-p", "seed=4"], "--seeds and -p seed both"),
    "seeds backwards": (["--seeds", "5-1"], "--seeds 5-1: 5-1 runs backwards; 1-5?"),
    "fixed wrongly": (["--seeds", "1-2", "-p", "base=11"], "base = 11 is out of range"),
    "fixed unknown": (["--seeds", "1-2", "-p", "bse=1"], "unknown parameter 'bse'"),
    "unknown profile": (["--seeds", "1-2", "--profile", "smok"], "did you mean 'smoke'?"),
    "too many points": (["-g", "n=1,2", "--seeds", "1-9000"], "18,000 points; a sweep has at most"),
    "a table of no kind": (["--seeds", "1", "-o", "x.xlsx"], "written as .csv, .json, .md"),
    "a table in no folder": (["--seeds", "1", "-o", "no/x.csv"], "there is no folder"),
    "a table that is a folder": (["--seeds", "1", "-o", "folder.csv"], "is a folder"),
    "no jobs": (["--seeds", "1", "-j", "0"], "'-j'"),
}


@pytest.mark.parametrize(("words", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_told_before_anything_runs(powers, words, message, tmp_path, capsys):
    (tmp_path / "folder.csv").mkdir()
    name = "power" if "no chapter" in message else "powers"
    code = main(["--root", str(powers.root), "sweep", name, *words])
    out, err = capsys.readouterr()
    assert (code, out) == (Exit.USAGE, "")
    (line,) = err.splitlines()
    assert line.startswith("medbook: ")
    assert message in line
    assert not (powers.root / "build").exists()


def test_a_chapter_without_seed_has_no_seeds_to_sweep(book, capsys):
    book.chapter("pixels/still", "1", parameters='device: str = "cpu"  # where')
    assert main(["--root", str(book.root), "sweep", "still", "--seeds", "1-2"]) == Exit.USAGE
    assert "declares no parameter seed: leave out --seeds" in capsys.readouterr().err


# -- the whole of it -------------------------------------------------------------------------------


def test_a_sweep_runs_tells_resumes_and_is_kept(powers):
    words = ["sweep", "powers", "-g", "base=2,3", "--seeds", "1-2", "-p", "n=9", "-j", "2"]
    listed = powers.medbook(*words, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.count("never run") == 4
    assert "0 fresh and kept, 4 to run, for how long is not known yet" in listed.stdout
    assert not (powers.root / "build").exists()

    table = powers.root / "table.csv"
    refused = powers.medbook(*words, "--accept")
    assert refused.returncode == Exit.USAGE
    assert "this is no git checkout" in refused.stderr
    powers.commit()
    first = powers.medbook(*words, "-o", str(table), "--accept")
    assert first.returncode == Exit.CHAPTER_FAILED
    assert "base=3 seed=2: cell 4 raised RuntimeError: three on two is unlucky" in first.stderr
    assert "not kept under results/" in first.stderr
    assert "3 of 4 points: 6 results, 2 of 3 claims hold" in first.stdout
    assert not (powers.root / "results").exists()
    (failed,) = os.listdir(powers.root / "build/failed/pixels")
    assert failed.startswith("powers-")
    frame = pd.read_csv(table)
    good = frame[frame.result == "power"]
    assert list(zip(good.base, good.seed, good.value, strict=True)) == [
        (2, 1, 2.0), (2, 2, 4.0), (3, 1, 3.0)
    ]  # fmt: skip
    assert set(good.unit) == {"dB"}
    assert (list(good.low), list(good.high), list(good.n)) == ([0] * 3, [100] * 3, [4] * 3)
    (lost,) = frame[frame.error.notna()].to_dict("records")
    assert (lost["base"], lost["seed"]) == (3, 2)
    assert "three on two is unlucky" in lost["error"]

    powers.edit("chapters/pixels/powers/powers.py", "# Some prose.", "# Other prose.")
    again = powers.medbook(*words)
    assert again.returncode == Exit.CHAPTER_FAILED
    assert "3 fresh and kept, 1 to run, about" in again.stdout
    assert again.stdout.count("start ") == 1

    more = [word.replace("1-2", "1,3") for word in words]
    dirty = powers.medbook(*more, "--accept")
    assert dirty.returncode == Exit.USAGE
    assert "but chapters/pixels/powers/powers.py differ from it: commit first" in dirty.stderr
    assert "start " not in dirty.stdout  # said before hours of work, not after
    commit = powers.commit()
    third = powers.medbook(*more, "-o", str(powers.root / "t.json"), "--accept")
    assert third.returncode == 0, third.stderr
    assert "2 fresh and kept, 2 to run" in third.stdout
    assert "kept results/pixels/powers/sweep.json" in third.stdout
    kept = read_kept(powers.root / "results/pixels/powers/sweep.json", SweepTable)
    assert kept.grid == {"base": [2, 3], "seed": [1, 3]}
    assert kept.fixed["n"] == 9
    (claim,) = kept.claims
    assert [(p.parameters["base"], p.parameters["seed"]) for p in kept.points] == [
        (2, 1), (2, 3), (3, 1), (3, 3)
    ]  # fmt: skip
    assert claim.holds == [True, True, False, False]
    assert claim.margins == [0.5, 0.5, -0.5, -0.5]
    assert kept.made_by.cpu_s == pytest.approx(sum(p.cpu_s for p in kept.points), abs=0.2)
    assert kept.made_by.first <= kept.made_by.last
    assert kept.made_by.code_sha256 == planned(powers, "base=2").points[0].job.code_sha256
    assert "numpy" in kept.made_by.packages
    assert kept.made_by.commits[-1] == commit
    assert "medlib/experiment/run.py" in kept.made_by.modules
    assert kept.live in {point.point for point in kept.points}
    rows = json.loads((powers.root / "t.json").read_text("utf-8"))
    assert {(r["base"], r["seed"], r["value"]) for r in rows if r["result"] == "power"} == {
        (2, 1, 2.0), (2, 3, 8.0), (3, 1, 3.0), (3, 3, 27.0)
    }  # fmt: skip

    found = powers.medbook("check", "powers").stderr
    assert "belongs to no chapter" not in found

    powers.edit("chapters/pixels/powers/powers.py", "base / 2", "base / 4")
    stale = powers.medbook(*more, "--dry-run")
    assert stale.stdout.count("stale: its code cells changed") == 4
    assert "0 fresh and kept, 4 to run, about" in stale.stdout


def test_a_companion_that_is_no_page_can_be_swept_and_kept(book):
    profiles = "companions: {_point: {smoke: {base: 4}}}\n"
    book.write("chapters/pixels/later/profiles.yml", profiles)
    rows = '[{"at": 1, "is": base}, {"at": 2, "is": base**2}]'
    code = f'run.table({rows}, name="steps", caption="Powers.")\n{POWERS}'
    book.chapter("pixels/later/_point", code, parameters=PARAMETERS)
    assert Project(book.root).chapters == []
    book.commit()
    done = book.medbook("sweep", "_point", "--seeds", "1", "--profile", "smoke", "--accept")
    assert done.returncode == 0, done.stderr
    table = read_kept(book.root / "results/pixels/later/_point/sweep.json", SweepTable)
    assert [c.values for c in table.results if c.name == "power"] == [[4.0]]
    assert (table.profile, table.grid) == ("smoke", {"seed": [1]})
    (point,) = table.points
    assert point.tables == {"steps": {"at": [1, 2], "is": [4.0, 16.0]}}
    from press.check.verify import inspect_book

    assert inspect_book(Project(book.root)) == []
    book.write("results/pixels/later/_gone/sweep.json", "{}")
    (finding,) = inspect_book(Project(book.root))
    assert "_gone/sweep.json belongs to no chapter" in finding.message


# -- the table -------------------------------------------------------------------------------------


@pytest.fixture
def table():
    return SweepTable.model_validate(
        {
            "chapter": "a/b",
            "grid": {"n": [1, 2]},
            "fixed": {"seed": 5, "device": "cpu"},
            "made_by": {"code_sha256": "0" * 64},
            "points": [
                {"point": "p1", "parameters": {"n": 1}, "cpu_s": 1.0},
                {"point": "p2", "parameters": {"n": 2}, "error": 'a "bad", | point'},
            ],
            "results": [{"name": "x", "values": [float("nan"), None], "n": [3, None]}],
        }
    )


def test_a_parameter_that_bears_a_columns_name_is_marked(table):
    assert (column_of("n"), column_of("dose")) == ("parameter_n", "dose")
    assert table.columns[:4] == ["chapter", "point", "parameter_n", "seed"]
    good, bad = csv.DictReader(io.StringIO(render(table, ".csv")))
    assert (good["parameter_n"], good["n"], good["seed"], good["low"]) == ("1", "3", "5", "")
    assert (bad["parameter_n"], bad["n"], bad["error"]) == ("2", "", 'a "bad", | point')


def test_json_holds_no_number_that_is_none(table):
    good, bad = json.loads(render(table, ".json"), parse_constant=pytest.fail)
    assert list(good) == table.columns == list(bad)
    assert (good["value"], good["n"], bad["error"]) == (None, 3, 'a "bad", | point')


def test_the_markdown_table_has_a_row_a_result(table):
    lines = render(table, ".md").splitlines()
    assert len(lines) == 4
    assert lines[3].endswith('| a "bad", \\| point |')
    short = table.results[0].model_copy(update={"values": [1.0], "n": [3]})
    whole = table.model_copy(update={"points": table.points[:1], "results": [short]})
    assert "error" not in render(whole, ".md")


def test_a_column_as_long_as_no_grid_is_refused(table):
    short = table.model_dump() | {"results": [{"name": "x", "values": [1.0]}]}
    with pytest.raises(ValueError, match="x has 1 values at 2 points"):
        SweepTable.model_validate(short)
