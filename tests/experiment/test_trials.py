"""Recorded results as a chapter reads them: typed, selected, traced to what made them."""

import json

import numpy as np
import pytest

from medlib import experiment
from medlib.experiment.record import RecordError, read_record
from medlib.experiment.tables import SweepTable
from medlib.experiment.trials import made_by

PARAMETERS = {"seed": 0, "device": "cpu"}
MADE = {
    "code_sha256": "c" * 64,
    "modules": {"medlib/x.py": "d" * 64},
    "commits": ["5b51466bc880b5ae1f79c7ec6fa4f9d0c93ecee1"],
    "first": "2026-11-21T10:05:00Z",
    "last": "2026-11-22T10:05:00Z",
    "cpu_s": 1904.4,
    "processor": ["a processor"],
}
GRID = [(n, seed) for n in (10, 20) for seed in (1, 2, 3)]
AUC = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def table(**changes):
    fields = {
        "schema_version": 2,
        "chapter": "pixels/demo/_point",
        "grid": {"n": [10, 20], "seed": [1, 2, 3]},
        "fixed": {"steps": 7},
        "made_by": MADE,
        "points": [{"point": f"p{n}-{s}", "parameters": {"n": n, "seed": s}} for n, s in GRID],
        "results": [
            {"name": "auc", "unit": "AUC", "values": AUC, "low": [0.1] * 6, "high": [1.0] * 6,
             "n": [9] * 6},
            {"name": "long", "values": [None] * 3 + [1.0, 2.0, 3.0]},
        ],
    }  # fmt: skip
    return fields | changes


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBOOK_ROOT", str(tmp_path))
    monkeypatch.setenv("MEDBOOK_RUN_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def run(root):
    return experiment.Run("pixels/demo", PARAMETERS)


def write(root, content, name="_point/sweep"):
    path = root / "results/pixels/demo" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.fixture
def trial(root, run):
    write(root, table())
    return experiment.recorded(run, "_point/sweep")


def test_an_array_has_an_axis_for_each_parameter_that_is_not_held(trial):
    np.testing.assert_array_equal(trial.array("auc"), np.reshape(AUC, (2, 3)))
    np.testing.assert_array_equal(trial.array("auc", n=20), AUC[3:])
    np.testing.assert_array_equal(trial.array("auc", seed=2), [0.6, 0.9])
    assert trial.array("auc", n=10, seed=3) == 0.7
    np.testing.assert_array_equal(trial.array("long", n=20), [1.0, 2.0, 3.0])


def test_a_row_says_where_and_what_was_measured(trial):
    (row,) = trial.rows("auc", n=20, seed=1)
    assert (row.parameters, row.seed, row.value, row.unit) == ({"n": 20, "seed": 1}, 1, 0.8, "AUC")
    assert f"{row.estimate:.1ci}" == "0.8 AUC [0.1, 1.0]"
    assert len(trial.rows()) == 9
    assert [row.value for row in trial.rows("long")] == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="long: no interval"):
        _ = trial.rows("long")[0].estimate


def test_rows_of_printed_tables_say_at_which_point(root, run):
    curve = {"step": [25, 50], "AUC": [0.6, 0.7]}
    points = [
        {"point": f"p{s}", "parameters": {"seed": s}, "tables": {"curve": curve}} for s in (1, 2)
    ]
    fields = {"grid": {"seed": [1, 2]}, "points": points, "results": []}
    write(root, table(**fields))
    trial = experiment.recorded(run, "_point/sweep")
    first = {"seed": 1, "step": 25, "AUC": 0.6}
    assert trial.printed("curve")[0] == first
    assert len(trial.printed("curve")) == 4
    assert trial.printed("curve", seed=2)[-1] == {"seed": 2, "step": 50, "AUC": 0.7}
    with pytest.raises(ValueError, match=r"no table 'curves' at point p1; it printed \['curve'\]"):
        trial.printed("curves")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda t: t.array("auk"), "no result 'auk'; did you mean 'auc'?"),
        (lambda t: t.array("auc", m=1), r"m was not swept; \['n', 'seed'\] were"),
        (lambda t: t.array("auc", n=11), r"n = 11 was not tried; \[10, 20\] were"),
        (lambda t: t.array("long"), "long was not measured at n=10 seed=1, nor at 2 other points"),
    ],
)
def test_what_was_not_recorded_is_told(trial, ask, expected):
    with pytest.raises(ValueError, match=expected):
        ask(trial)


def test_it_tells_what_made_it(trial):
    made = trial.made
    assert made.day == "21 November 2026 and 22 November 2026"
    assert (made.commit, made.machine) == ("5b51466bc8", "a processor")
    assert f"{made.minutes:.0f}" == "32"
    assert str(made).startswith("Recorded on 21 November 2026 and 22 November 2026, commit 5b514")
    assert (trial.seeds, trial.fixed) == ([1, 2, 3], {"steps": 7})


def test_what_was_read_is_data_of_the_run_without_the_machines_folders(root, run, trial):
    run.finish()
    (use,) = read_record(root / "run/record.json").data
    assert use.name == "recorded/pixels/demo/_point/sweep"
    assert use.path == "results/pixels/demo/_point/sweep.json"
    assert use.file_sha256 == use.sha256


def test_another_chapters_table_is_read_and_noted_as_its_own(root):
    write(root, table())
    other = experiment.Run("pixels/other", PARAMETERS)
    with pytest.raises(ValueError, match=r"there is no results/pixels/other/_point/sweep\.json"):
        experiment.recorded(other, "_point/sweep")
    found = experiment.recorded(other, "_point/sweep", chapter="pixels/demo")
    np.testing.assert_array_equal(found.array("auc", n=20), AUC[3:])
    other.finish()
    (use,) = read_record(root / "run/record.json").data
    assert use.name == "recorded/pixels/demo/_point/sweep"
    assert use.path == "results/pixels/demo/_point/sweep.json"


def test_a_table_of_claims_only_says_so(root, run):
    write(root, table(chapter="pixels/demo", results=[]), "seeds")
    with pytest.raises(ValueError, match="it keeps claims only, no results"):
        experiment.recorded(run, "seeds").array("auc")


def test_one_that_says_nothing_of_its_making_is_told_apart(root, run):
    write(root, table(made_by={}), "sweep")
    with pytest.raises(ValueError, match="when and by what it was made was not recorded"):
        _ = experiment.recorded(run, "sweep").made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full", r"there is no results/pixels/demo/full.json; `medbook run pixels/demo --profile"),
        ("_point/sweep", r"`medbook sweep pixels/demo/_point \.\.\. --accept`"),
        ("fool", "write one of seeds, sweep, longer, full, or _companion/sweep"),
    ],
)
def test_what_is_not_there_is_told_with_the_command_that_makes_it(run, name, expected):
    with pytest.raises(ValueError, match=expected):
        experiment.recorded(run, name)


def test_before_a_table_was_ever_made_a_chapter_may_do_without(root, run):
    assert experiment.recorded(run, "full", optional=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "cannot be read"),
        ('{"schema_version": 1}', "schema 1, this version reads 2"),
        (json.dumps(table(points=[])), "auc has 6 values at 0 points"),
        (json.dumps(table(live="elsewhere")), "the live point elsewhere is none of its points"),
    ],
)
def test_a_damaged_table_is_told_in_one_line(root, run, text, expected):
    write(root, text)
    with pytest.raises(RecordError, match=expected) as caught:
        experiment.recorded(run, "_point/sweep")
    assert "\n" not in str(caught.value)


def test_a_full_run_gives_its_tables_and_results(root, run):
    run.result("gain", 1.5, unit="dB")
    run.table([{"a": 1}, {"a": 2}], name="tried")
    run.finish()
    record = json.loads((root / "run/record.json").read_text("utf-8"))
    write(root, {"schema_version": 2, "code_sha256": "c" * 64, "record": record}, "full")
    full = experiment.recorded(experiment.Run("pixels/demo", PARAMETERS), "full")
    assert [row["a"] for row in full.table("tried")] == [1, 2]
    assert (full.result("gain").value, full.seed, full.parameters) == (1.5, 0, PARAMETERS)
    assert full.made.first == full.record.started
    with pytest.raises(ValueError, match=r"no table 'tied'; there are \['tried'\]"):
        full.table("tied")


def test_what_runs_differ_in_has_several_values(root, run):
    run.finish()
    one = read_record(root / "run/record.json")
    other = one.model_copy(update={"processor": "another", "cpu_s": 5.0})
    made = made_by([one, other], code_sha256="c" * 64)
    assert made.processor == [one.processor, "another"]
    assert made.cpu_s == pytest.approx(one.cpu_s + 5, abs=0.11)
    assert made.python == [one.python]
    assert SweepTable.model_validate(table()).made_by.commits == MADE["commits"]


def test_a_library_file_edited_between_two_runs_has_the_digest_of_none(root, run):
    run.finish()
    record = read_record(root / "run/record.json")
    one, other, again = (
        record.model_copy(update={"modules": {"medlib/x.py": digit * 64, "medlib/y.py": "1" * 64}})
        for digit in "aba"
    )
    made = made_by([one, other, again], code_sha256="c" * 64)
    assert made.modules == {"medlib/x.py": "0" * 64, "medlib/y.py": "1" * 64}
