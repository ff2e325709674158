"""A recorded sweep's live point: run again by the build, and compared with what was recorded."""

import json

import pytest

from medlib.experiment.record import Result
from medlib.experiment.tables import SweepTable, read_kept
from press.check.live import Again, Repetition, inspect_live, repetition, same_arithmetic
from press.results import kept
from press.results.live import live_point, live_points
from press.run.execute import execute_all
from press.source.project import Project
from tests.press.swept_book import NAME, TABLE, edit_table, other_machine, place_of_live, shift


def messages(book, severity):
    found = inspect_live(Project(book.root))
    return [finding.message for finding in found if finding.severity == severity]


def test_the_point_that_took_least_time_is_run_into_a_folder_of_its_own(live_book):
    table = read_kept(live_book.root / TABLE, SweepTable)
    project = Project(live_book.root)
    (live,) = live_points(project, project.chapter("whole"))
    assert live.point.cpu_s == min(point.cpu_s for point in table.points)
    assert live.job.parameters["n"] == live.point.parameters["n"]
    assert live.job.destination == live_book.root / "build/live" / NAME
    assert live.job.destination not in {
        folder.parent for folder in (live_book.root / "build/sweeps").rglob("record.json")
    }


def test_on_the_same_arithmetic_it_agrees_to_the_bit(live_book):
    assert messages(live_book, "error") == []
    (line,) = messages(live_book, "note")
    assert "run again, is the same to the bit (2 results)" in line
    project = Project(live_book.root)
    assert repetition(project, live_point(project, NAME)) == Repetition(Again.BITS)


def test_there_one_bit_is_an_error(live_book):
    edit_table(live_book, shift(2**-50))
    (line,) = messages(live_book, "error")
    assert "third was " in line
    project = Project(live_book.root)
    again = repetition(project, live_point(project, NAME))
    assert again.outcome is Again.DIFFERS
    (difference,) = again.differences
    assert line.endswith(difference)


@pytest.mark.parametrize(("amount", "wrong"), [(2**-50, 0), (9e-4, 0), (-9e-4, 0), (2e-3, 1)])
def test_on_other_arithmetic_the_stated_tolerance_holds(live_book, amount, wrong):
    edit_table(live_book, other_machine)
    edit_table(live_book, shift(amount))
    assert len(messages(live_book, "error")) == wrong
    for line in messages(live_book, "note"):
        assert "is the same within tolerance, on other arithmetic" in line


def beside_it(*offsets):
    """Add seeds to the live point's cell that measured so much more or less."""

    def change(content):
        place = place_of_live(content)
        for number, offset in enumerate(offsets):
            point = json.loads(json.dumps(content["points"][place]))
            point["parameters"]["seed"] = 100 + number
            point["point"] = f"beside{number}"
            content["points"].append(point)
            for column in content["results"]:
                for kept_values in filter(None, map(column.get, ("values", "low", "high", "n"))):
                    kept_values.append(kept_values[place])
                if column["name"] == "third":
                    column["values"][-1] += offset

    return change


@pytest.mark.parametrize(("shifted", "outcome"), [(0.1, Again.DRAW), (9.0, Again.DIFFERS)])
def test_on_other_arithmetic_it_may_be_another_draw(live_book, shifted, outcome):
    for change in (beside_it(-0.05, 0.0, 0.05), shift(shifted)):
        edit_table(live_book, change)
    (line,) = messages(live_book, "error")
    assert "third was " in line, "on the same arithmetic"
    edit_table(live_book, other_machine)
    project = Project(live_book.root)
    again = repetition(project, live_point(project, NAME))
    assert again.outcome is outcome
    assert len(again.differences) == 1
    assert len(messages(live_book, "error")) == (outcome is Again.DIFFERS)
    noted = "\n".join(messages(live_book, "note"))
    assert ("another draw may be as far off" in noted) == (outcome is Again.DRAW)
    assert ("another draw, on other arithmetic" in noted) == (outcome is Again.DRAW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("python", ["3.11.7", "3.12.1"]),
        ("device", ["cuda"]),
        ("packages", {}),
        ("processor", ["a", "b"]),
    ],
)
def test_what_was_made_elsewhere_or_on_several_is_other_arithmetic(live_book, field, value):
    def change(content):
        content["made_by"][field] = value
        if field == "processor":
            content["made_by"]["arithmetic"] = [
                {"cpu_capability": "ONE"},
                {"cpu_capability": "ANOTHER"},
            ]

    project = Project(live_book.root)
    live = live_point(project, NAME)
    assert same_arithmetic(live, live.record)
    edit_table(live_book, change)
    again = live_point(Project(live_book.root), NAME)
    assert not same_arithmetic(again, again.record)


def test_a_result_that_is_gone_or_new_is_an_error(live_book):
    def rename(content):
        content["results"][0]["name"] = "fourth"

    edit_table(live_book, rename)
    assert messages(live_book, "error")


def test_a_point_that_was_not_run_again_is_an_error(live_book):
    (live_book.root / "build/live" / NAME / "record.json").unlink()
    (line,) = messages(live_book, "error")
    assert "was not run again: `medbook build`" in line


def test_a_stale_sweep_has_no_live_point(live_book):
    live_book.edit(f"chapters/{NAME}.py", "n / 3", "n / 4")
    assert list(live_points(Project(live_book.root))) == []
    assert inspect_live(Project(live_book.root)) == []


def test_a_build_runs_it_beside_the_chapters_and_keeps_it_while_it_is_fresh(live_book, monkeypatch):
    from press.cli import build

    monkeypatch.setattr(build, "publish", lambda project, *, echo: None)
    for folder in ("live", "runs"):
        assert not (live_book.root / "build" / folder / "other").exists()
    live = live_book.root / "build/live" / NAME / "record.json"
    live.unlink()
    lines = []
    build.build(Project(live_book.root), echo=lines.append, warn=lines.append)
    assert any(line.startswith(f"again   {NAME} at n=") for line in lines)
    assert live.is_file()
    again = []
    build.build(Project(live_book.root), echo=again.append, warn=again.append)
    assert not any(line.startswith("again ") for line in again)


def test_the_recorded_numbers_of_the_point_are_results(live_book):
    live = live_point(Project(live_book.root), NAME)
    third, noise = live.recorded
    assert isinstance(third, Result)
    assert third.value == live.point.parameters["n"] / 3
    assert (third.low, third.high, third.n) == (0, third.n, live.point.parameters["n"])
    assert noise.name == "noise"
    assert kept.path_of(Project(live_book.root), NAME, "sweep").is_file()


def run_beside(book, seeds):
    """Record a small run beside the sweep, on some seeds."""
    words = ("sweep", "_point", "--profile", "live", "--seeds", seeds, "--accept")
    assert book.medbook(*words).returncode == 0


@pytest.fixture
def small_point(live_book):
    live_book.write("chapters/pixels/whole/profiles.yml", "companions: {_point: {live: {n: 9}}}\n")
    live_book.commit()
    return live_book


def test_a_small_point_beside_a_long_sweep_is_run_in_its_stead(small_point):
    before = (small_point.root / TABLE).read_bytes()
    run_beside(small_point, "1-5")
    assert (small_point.root / TABLE).read_bytes() == before
    project = Project(small_point.root)
    (live,) = live_points(project)
    seed = live.point.parameters["seed"]
    assert (live.job.parameters["n"], live.told) == (9, f"seed={seed}, beside the sweep")
    (line,) = messages(small_point, "error")
    assert f"the small run seed={seed}, beside the sweep was not run again" in line
    (outcome,) = execute_all(project, [live.job])
    assert outcome.failure is None
    assert messages(small_point, "error") == []
    (line,) = messages(small_point, "note")
    assert f"the small run seed={seed}, beside the sweep, run again, is the same to the bit" in line
    assert "point" not in line
    edit_table(
        small_point,
        lambda content: content["made_by"].update(code_sha256="0" * 64, computing_sha256=""),
    )
    assert list(live_points(Project(small_point.root))) == []


def test_a_small_point_on_few_seeds_has_no_spread_and_is_an_error(small_point):
    run_beside(small_point, "1-4")
    (line,) = [line for line in messages(small_point, "error") if "not run again" not in line]
    assert "was recorded on 4 seeds; on other arithmetic it is set beside the spread over 5" in line
    assert line.endswith("remake it with `medbook sweep pixels/whole/_point --profile live"
                         " --seeds 0-4 --accept`")  # fmt: skip


@pytest.mark.parametrize(
    ("elsewhere", "renamed", "wrong"),
    [(False, False, True), (True, False, False), (True, True, True)],
)
def test_on_other_arithmetic_a_small_point_is_told_and_is_no_error(
    small_point, elsewhere, renamed, wrong
):
    run_beside(small_point, "1-5")
    project = Project(small_point.root)
    (live,) = live_points(project)
    (outcome,) = execute_all(project, [live.job])
    assert outcome.failure is None
    path = kept.path_of(project, NAME, "live")
    content = json.loads(path.read_text("utf-8"))
    shift(1e3)(content)
    if elsewhere:
        other_machine(content)
    if renamed:
        next(c for c in content["results"] if c["name"] == "noise")["name"] = "hiss"
    path.write_text(json.dumps(content), "utf-8")
    told = {severity: messages(small_point, severity) for severity in ("error", "note")}
    assert any("third was " in line for line in told["error" if wrong else "note"])
    assert bool(told["error"]) is wrong
