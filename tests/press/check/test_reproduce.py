"""A run repeated is identical to the bit, or what differs is named, causes before effects."""

import dataclasses
import json
import math
import shutil
from functools import partial

import numpy as np
import pytest

from medlib.experiment.arithmetic import arithmetic_variables
from medlib.experiment.record import DataUse, Table, read_record
from press.check.reproduce import (
    circumstances,
    compare_code,
    compare_runs,
    find_run,
    reproduce,
    reproduce_all,
)
from press.errors import UserError
from press.run.execute import plan
from press.source.project import Project
from tests.press.conftest import TinyBook, forking, make_whole_book

RUN = "build/runs/pixels/whole"


@pytest.fixture(scope="module")
def record(whole_book):
    return read_record(whole_book.root / RUN / "record.json")


def told(was, now):
    return [str(difference) for difference in compare_runs(was, now)]


def test_a_record_does_not_differ_from_itself_wherever_it_was_made(record):
    elsewhere = {"wall_s": 99.0, "cpu_s": 9.0, "git": None, "processor": "other", "platform": "x"}
    assert told(record, record.model_copy(update=elsewhere)) == []


def test_one_last_bit_of_a_result_is_named(record):
    mean, *rest = record.results
    moved = mean.model_copy(update={"value": math.nextafter(mean.value, 2)})
    (line,) = told(record, record.model_copy(update={"results": [moved, *rest]}))
    assert line == "result: mean was 0.5, is 0.5000000000000001"


def with_first(record, field, **update):
    first, *rest = getattr(record, field)
    return record.model_copy(update={field: [first.model_copy(update=update), *rest]})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda r: with_first(r, "results", low=0.41),
            "mean: its lower end was 0.4, is 0.41",
        ),
        (
            lambda r: with_first(r, "claims", margin=0.3),
            "middle': its margin was 0.25, is 0.3",
        ),
        (
            lambda r: r.model_copy(update={"results": r.results[1:]}),
            "result: mean is no longer measured",
        ),
        (lambda r: r.model_copy(update={"claims": r.claims[1:]}), "is no longer made"),
        (lambda r: r.model_copy(update={"sentences": ["x"]}), "sentence: was 'The mean"),
        (
            lambda r: with_first(r, "figures", pixels_sha256=["0" * 64]),
            "figure: ramp: its pixels differ",
        ),
        (
            lambda r: r.model_copy(update={"figures": r.figures[:1]}),
            "figure: slider is no longer drawn",
        ),
        (lambda r: r.model_copy(update={"python": "3.0.0"}), "environment: Python was"),
        (
            lambda r: r.model_copy(update={"packages": {**r.packages, "numpy": "9"}}),
            f"environment: package numpy was {np.__version__}, is 9",
        ),
        (
            lambda r: r.model_copy(update={"constraints_sha256": "0" * 64}),
            "environment: constraints.txt changed",
        ),
        (lambda r: r.model_copy(update={"threads": 2}), "environment: threads was 1, is 2"),
        (
            lambda r: r.model_copy(update={"device": r.device.model_copy(update={"used": "cuda"})}),
            "environment: device was cpu, is cuda",
        ),
    ],
)
def test_each_difference_is_named(record, change, expected):
    (line,) = told(record, change(record))
    assert expected in line


@pytest.mark.parametrize(
    ("field", "gone", "new"),
    [
        ("results", "result: mean is no longer measured", "result: mean is new"),
        ("claims", "'the mean lies near the middle' is no longer made", "middle' is new"),
        ("figures", "figure: ramp is no longer drawn", "figure: ramp is new"),
        ("sentences", "sentence: 'The mean is 0.500.' is no longer said", "500.' was not said"),
    ],
)
def test_what_is_gone_and_what_is_new_are_named(record, field, gone, new):
    less = record.model_copy(update={field: getattr(record, field)[1:]})
    (line,) = told(record, less)
    assert gone in line
    (line,) = told(less, record)
    assert new in line


def test_data_tables_and_alt_texts_that_differ_are_named(record):
    data = record.model_copy(update={"data": [DataUse(name="ct", kind="real", sha256="0" * 64)]})
    assert told(data, record) == ["data: ct is no longer read"]
    assert told(record, data) == ["data: ct is new"]
    was = record.model_copy(update={"tables": [Table(name="t", caption="", rows=[{"a": 0.0}])]})
    now = record.model_copy(update={"tables": [Table(name="t", caption="", rows=[{"a": -0.0}])]})
    assert told(was, now) == ["table: t: row 1, column 'a' was 0.0, is -0.0"]
    (line,) = told(record, with_first(record, "figures", caption="Another, simulated."))
    assert line == "figure: ramp: its caption differs"


def test_another_arithmetic_is_one_difference_named_before_the_results_that_it_moves(record):
    slow = {"cpu_capability": "DEFAULT", "variables": {"ATEN_CPU_CAPABILITY": "default"}}
    fast = record.arithmetic.model_copy(update={"cpu_capability": "AVX512", "variables": {}})
    record = record.model_copy(update={"arithmetic": fast})
    now = with_first(record, "results", value=0.6)
    now = now.model_copy(update={"arithmetic": fast.model_copy(update=slow)})
    assert told(record, now) == [
        "environment: another arithmetic: ATEN_CPU_CAPABILITY is new, default; "
        "CPU capability was AVX512, is DEFAULT",
        "result: mean was 0.5, is 0.6",
    ]
    kernel = {"libraries": {**fast.libraries, "numpy.libs/blas.so": "openblas 1 Zen"}}
    (line,) = told(record, record.model_copy(update={"arithmetic": fast.model_copy(update=kernel)}))
    assert line == "environment: another arithmetic: numpy.libs/blas.so is new, openblas 1 Zen"


def test_a_record_from_before_arithmetic_was_recorded_differs_in_nothing(record):
    old = record.model_copy(update={"arithmetic": None})
    assert told(old, record) == []
    assert "is not recorded" in " ".join(circumstances(old, record))


def test_causes_come_before_effects(record):
    now = with_first(with_first(record, "figures", pixels_sha256=["0" * 64]), "results", value=0.6)
    data = [DataUse(name="ct", kind="real", sha256="0" * 64)]
    now = now.model_copy(update={"python": "3.0.0", "data": data})
    kinds = [line.split(":")[0] for line in told(record, now)]
    assert kinds == ["data", "environment", "result", "figure"]


def test_data_that_changed_is_named(record):
    was = record.model_copy(update={"data": [DataUse(name="ct", kind="real", sha256="0" * 64)]})
    now = record.model_copy(update={"data": [DataUse(name="ct", kind="real", sha256="1" * 64)]})
    assert told(was, now) == ["data: ct was sha256 000000000000..., is 111111111111..."]


# -- the verb, with real runs ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def forked_whole(request, tmp_path_factory):
    """A whole book whose run was forked, as what repeats it will be. Never change it."""
    with forking(request):
        return make_whole_book(tmp_path_factory.mktemp("forked"))


@pytest.fixture
def quick_book(forked_whole, forked, tmp_path):
    """A copy of it to do as one likes with; runs are forked."""
    shutil.copytree(forked_whole.root, tmp_path / "whole")
    return TinyBook(Project(tmp_path / "whole"))


def comment_on(book):
    """Add a comment to a library file that the run imported."""
    first = "from __future__ import annotations"
    book.edit("medlib/experiment/streams.py", first, f"{first}  # a word")


@pytest.mark.parametrize("name", ["", "record.json", "notebook.ipynb"])
def test_a_run_has_three_names(whole_book, name):
    found = find_run(whole_book.root / RUN / name)
    assert found.record.chapter == "pixels/whole"
    assert found.notebook is not None


def test_an_untouched_run_is_identical_to_the_bit_and_leaves_nothing_behind(accepted_book):
    before = {path: path.stat().st_mtime_ns for path in accepted_book.root.rglob("*")}
    done = accepted_book.medbook("reproduce", str(accepted_book.root / RUN))
    assert done.returncode == 0, done.stderr
    assert "identical to the bit: 2 results, 2 figures" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in accepted_book.root.rglob("*")}
    build = accepted_book.root / "build"
    assert {p for p in after if before.get(p) != after[p]} <= {build}


def test_the_recorded_parameters_are_the_ones_that_run(quick_book):
    assert quick_book.medbook("run", "whole", "-p", "size=20").returncode == 0
    (path,) = (quick_book.root / "build/runs-adhoc").rglob("record.json")
    done = quick_book.medbook("reproduce", str(path))
    assert done.returncode == 0, done.stderr
    assert read_record(path).result("mean").n == 400


def with_arithmetic(monkeypatch, *, keep):
    for name in arithmetic_variables():
        monkeypatch.delenv(name)
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("MEDBOOK_KEEP_ARITHMETIC", "1" if keep else "0")


def test_variables_that_choose_the_arithmetic_do_not_reach_a_run(accepted_book, monkeypatch):
    with_arithmetic(monkeypatch, keep=False)
    done = accepted_book.medbook("reproduce", str(accepted_book.root / RUN))
    assert done.returncode == 0, done.stderr


def test_asked_for_they_do_and_results_may_move_within_their_tolerance(accepted_book, monkeypatch):
    with_arithmetic(monkeypatch, keep=True)
    again = partial(reproduce, Project(accepted_book.root), accepted_book.root / RUN)
    first, *_ = again().differences
    assert str(first).startswith(
        "environment: another arithmetic: ATEN_CPU_CAPABILITY is new, default; OPENBLAS_CORETYPE"
    )
    verdict = again(within_tolerance=True)
    assert verdict.identical
    assert any("another arithmetic: ATEN_CPU_CAPABILITY" in note for note in verdict.notes)
    path = accepted_book.root / "results/pixels/whole/accepted.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('"value": 0.5,', '"value": 0.52,'), "utf-8")
    assert list(map(str, again(within_tolerance=True).differences)) == [
        "result: mean was 0.52, is 0.5; tolerance 0.01"
    ]


def test_only_the_book_s_own_run_has_accepted_results(quick_book):
    assert quick_book.medbook("run", "whole", "-p", "size=20").returncode == 0
    (path,) = (quick_book.root / "build/runs-adhoc").rglob("record.json")
    with pytest.raises(UserError, match=r"accepted for the book's own runs.*other parameters"):
        reproduce(Project(quick_book.root), path, within_tolerance=True)


def test_code_is_named_before_the_result_that_it_changed(quick_book):
    quick_book.edit(
        "chapters/pixels/whole/whole.py", "np.linspace(0, 1, size)", "np.linspace(0, 0.9, size)"
    )
    comment_on(quick_book)
    done = quick_book.medbook("reproduce", str(quick_book.root / RUN))
    assert done.returncode == 1
    first, *others = done.stderr.splitlines()
    assert first.startswith("differs: code: code cell 3 changed, from its line 1: was `ramp = ")
    assert others[0] == "    also: code: medlib/experiment/streams.py changed"
    assert "    also: result: mean was 0.5, is 0.45" in others


def test_a_tampered_result_is_named(quick_book):
    path = quick_book.root / RUN / "record.json"
    content = json.loads(path.read_text("utf-8"))
    content["results"][0]["value"] = 0.55
    path.write_text(json.dumps(content), "utf-8")
    done = quick_book.medbook("reproduce", str(path))
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["differs: result: mean was 0.55, is 0.5"]


def test_an_edit_of_a_comment_in_the_library_differs_in_code_only(quick_book):
    comment_on(quick_book)
    done = quick_book.medbook("reproduce", str(quick_book.root / RUN))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "differs: code: medlib/experiment/streams.py changed",
        "all results and figures are identical to the bit nevertheless",
    ]


def test_a_cell_more_and_a_library_file_less_are_named(quick_book):
    project = Project(quick_book.root)
    quick_book.edit("chapters/pixels/whole/whole.py", "run.finish()", "run.finish()\n\n# %%\n1")
    recorded = find_run(quick_book.root / RUN)
    modules = {**recorded.record.modules, "medlib/pixels/older.py": "0" * 64}
    record = recorded.record.model_copy(update={"modules": modules})
    job = plan(project, project.chapter("whole"))
    found = compare_code(project, dataclasses.replace(recorded, record=record), job)
    assert [str(difference) for difference in found] == [
        "code: code cell 7 is new: first line `1`",
        "code: medlib/pixels/older.py is gone",
    ]


def test_a_parameter_that_is_gone_is_a_difference_of_code(quick_book):
    quick_book.edit("chapters/pixels/whole/whole.py", "size: int", "width: int")
    done = quick_book.medbook("reproduce", str(quick_book.root / RUN))
    assert done.returncode == 1
    assert "code: pixels/whole no longer takes what the run was given" in done.stderr
    assert "unknown parameter 'size'" in done.stderr


def test_a_run_that_fails_now_names_the_code_that_changed(quick_book):
    quick_book.edit("chapters/pixels/whole/whole.py", "np.linspace(0, 1, size)", "np.linspice(0)")
    done = quick_book.medbook("reproduce", str(quick_book.root / RUN))
    assert done.returncode == 3
    assert "the first difference: code: code cell 3 changed" in done.stderr


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda folder: folder / "absent", "there is no such run"),
        (lambda folder: folder, "no record.json stands beside it"),
        (lambda folder: _write(folder / "record.json", "{"), "not a readable run record"),
        (lambda folder: _write(folder / "record.json", '{"schema_version": 9}'), "schema 9"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, make, expected):
    with pytest.raises(UserError, match=expected) as caught:
        find_run(make(tmp_path))
    assert "\n" not in str(caught.value)


def _write(path, text):
    path.write_text(text)
    return path


def test_several_runs_take_place_side_by_side_and_each_has_its_own_verdict(quick_book):
    runs = [quick_book.root / RUN, quick_book.root / "build" / "other"]
    shutil.copytree(*runs)
    record = runs[1] / "record.json"
    text = record.read_text("utf-8")
    assert '"value": 0.5,' in text
    record.write_text(text.replace('"value": 0.5,', '"value": 0.25,'), "utf-8")
    done = quick_book.medbook("reproduce", "--jobs", "2", *map(str, runs))
    assert done.returncode == 1
    same, other = done.stdout.split(f"\n{runs[0]}\n")[1].split(f"\n{runs[1]}\n")
    assert "identical to the bit: 2 results, 2 figures" in same
    assert "identical" not in other.replace("1 of 2 runs are identical to the bit", "")
    assert done.stdout.rstrip().endswith("1 of 2 runs are identical to the bit")
    assert done.stderr.splitlines() == ["differs: result: mean was 0.25, is 0.5"]


def test_of_several_runs_one_that_is_missing_is_named_before_any_takes_place(quick_book):
    done = quick_book.medbook("reproduce", str(quick_book.root / RUN), "build/runs/none")
    assert done.returncode == 2
    assert "build/runs/none: there is no such run" in done.stderr
    assert "again" not in done.stdout


def test_of_several_runs_one_that_fails_does_not_hide_the_others(quick_book):
    """As the chapter stands then, seed 0 divides by zero, and seed 1 changes nothing."""
    assert quick_book.medbook("run", "whole", "-p", "seed=1").returncode == 0
    (other,) = (quick_book.root / "build/runs-adhoc").rglob("record.json")
    quick_book.edit(
        "chapters/pixels/whole/whole.py",
        "np.linspace(0, 1, size)",
        "np.linspace(0, 1, size // min(seed, 1))",
    )
    runs = [quick_book.root / RUN, other]
    failed, verdict = reproduce_all(Project(quick_book.root), runs, workers=2)
    assert isinstance(failed, UserError)
    assert "ZeroDivisionError" in str(failed)
    assert "(the first difference: code: code cell 3 changed" in str(failed)
    assert verdict.outputs_identical
    assert [difference.kind for difference in verdict.differences] == ["code"]
