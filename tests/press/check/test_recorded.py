"""Kept tables against the present code: stale ones are red unless they are named with a reason."""

import json

import pytest

from medlib.experiment.record import Result, read_record
from medlib.experiment.tables import FullRun, ResultColumn, SweepTable, SweptPoint
from medlib.experiment.trials import made_by
from press.check.recorded import inspect_kept, stale_listed_in_vain, too_wide
from press.results import kept
from press.results.accepted import read_accepted, results_path
from press.run.execute import plan
from press.source.project import Project

RUN = "build/runs/pixels/whole/record.json"
KNOWN = "results/known_stale.toml"


def record_of(book):
    return read_record(book.root / RUN)


def seeds_of(book, **changes):
    """A fresh table of other seeds that keeps results."""
    project = Project(book.root)
    record = record_of(book)
    code = plan(project, project.chapter("whole")).code_sha256
    fields = {
        "chapter": "pixels/whole",
        "grid": {"seed": [1, 2, 3]},
        "made_by": made_by([record], code_sha256=code),
        "points": [SweptPoint(point=f"p{seed}", parameters={"seed": seed}) for seed in (1, 2, 3)],
        "results": [ResultColumn(name="noise", unit="grey", values=[-0.5, 0.0, 0.5])],
    }
    return SweepTable(**(fields | changes))


def found(book, severity="error"):
    project = Project(book.root)
    every = inspect_kept(project, project.chapter("whole"), record_of(book))
    every += stale_listed_in_vain(project)
    return [f.message for f in every if f.severity == severity and f.what in ("stale", "tolerance",
            "results")]  # fmt: skip


@pytest.fixture
def kept_book(accepted_book):
    kept.write(Project(accepted_book.root), "pixels/whole", "seeds", seeds_of(accepted_book))
    return accepted_book


def test_a_table_of_the_present_code_is_fresh(kept_book):
    assert found(kept_book) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("chapters/pixels/whole/whole.py", "margin=0.25", "margin=0.3", "its code cells changed"),
        ("medlib/experiment/streams.py", '"""', '""" ', "medlib/experiment/streams.py changed"),
    ],
)
def test_a_table_of_other_code_is_red_and_names_what_changed(kept_book, path, old, new, expected):
    kept_book.edit(path, old, new)
    (line,) = found(kept_book)
    assert line.startswith("seeds.json is stale, made by other code: ")
    assert expected in line
    assert line.endswith("remake with `medbook check pixels/whole --seeds 10 --accept`")


def test_the_ground_floor_leaves_a_table_fresh_and_the_runs_stale(kept_book):
    kept_book.edit("medlib/experiment/figures.py", '"""', '"""Edited. ')
    assert found(kept_book) == []
    assert kept_book.stale(), "nothing would show that the change moved no number"


def test_a_line_on_the_map_of_a_room_leaves_a_table_fresh_and_code_there_does_not(kept_book):
    table = seeds_of(kept_book)
    path = "medlib/measures/__init__.py"
    modules = table.made_by.modules | {path: "0" * 64}
    made = table.made_by.model_copy(update={"modules": modules})
    table = table.model_copy(update={"made_by": made})
    kept.write(Project(kept_book.root), "pixels/whole", "seeds", table)
    kept_book.write(path, '"""Measures.\n\n- `auc`: the area under the curve.\n"""\n')
    assert found(kept_book) == []
    kept_book.write(path, '"""Measures."""\nLIMIT = 3\n')
    (line,) = found(kept_book)
    assert f"{path} changed" in line


def test_prose_leaves_a_table_fresh(kept_book):
    kept_book.edit("chapters/pixels/whole/whole.py", "# Nothing.", "# Nothing at all.")
    assert found(kept_book) == []


def test_a_file_that_is_gone_and_many_that_changed_are_named_in_a_line(kept_book):
    table = seeds_of(kept_book)
    modules = {f"medlib/gone_{n}.py": "0" * 64 for n in range(5)}
    made = table.made_by.model_copy(update={"modules": modules})
    table = table.model_copy(update={"made_by": made})
    kept.write(Project(kept_book.root), "pixels/whole", "seeds", table)
    (line,) = found(kept_book)
    assert "medlib/gone_0.py is gone; medlib/gone_1.py is gone;" in line
    assert "and 2 more files" in line


def test_a_known_stale_table_is_a_note_with_its_reason(kept_book):
    kept_book.edit("chapters/pixels/whole/whole.py", "margin=0.25", "margin=0.3")
    kept_book.write(KNOWN, '[stale]\n"pixels/whole/seeds" = "to be remade in spring"\n')
    assert found(kept_book) == []
    (line,) = found(kept_book, "note")
    assert "seeds.json is stale: its code cells changed" in line
    assert line.endswith("kept for now: to be remade in spring")


def test_a_reason_that_is_no_longer_needed_is_red(kept_book):
    kept_book.write(KNOWN, '[stale]\n"pixels/whole/seeds" = "why"\n"pixels/gone/full" = "why"\n')
    first, second = found(kept_book)
    assert first == "seeds.json is no longer stale: take it out of results/known_stale.toml"
    assert second == "results/known_stale.toml names pixels/gone/full, which is no kept table"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[stale", "known_stale.toml: cannot be read"),
        ('stale = "all"', "known_stale.toml: expected [stale] and lines such as"),
        ('[stale]\n"pixels/whole/seeds" = " "\n', "pixels/whole/seeds gives no reason"),
    ],
)
def test_a_damaged_list_of_stale_tables_is_red(kept_book, text, expected):
    kept_book.write(KNOWN, text)
    assert expected in found(kept_book)[0]


def test_a_table_that_does_not_say_what_made_it_is_stale(kept_book):
    table = seeds_of(kept_book)
    made = table.made_by.model_copy(update={"modules": {}})
    table = table.model_copy(update={"made_by": made})
    kept.write(Project(kept_book.root), "pixels/whole", "seeds", table)
    assert "which code made it was not recorded in full" in found(kept_book)[0]


def test_other_pins_are_a_note(kept_book):
    kept_book.write("constraints.txt", "numpy==2.4.7\n")
    assert found(kept_book) == []
    assert found(kept_book, "note")[0].startswith("seeds.json was made under other pins")


def test_a_full_run_is_held_to_its_code_as_well(kept_book):
    project = Project(kept_book.root)
    code = plan(project, project.chapter("whole")).code_sha256
    record = kept.portable(record_of(kept_book), kept_book.root)
    kept.write(project, "pixels/whole", "full", FullRun(code_sha256=code, record=record))
    assert found(kept_book) == []
    kept.write(project, "pixels/whole", "full", FullRun(code_sha256="0" * 64, record=record))
    (line,) = found(kept_book)
    assert line.startswith("full.json is stale")
    assert "`medbook run pixels/whole --profile full --accept`" in line


def test_a_damaged_table_is_told_once(kept_book):
    kept_book.write("results/pixels/whole/seeds.json", "{")
    (line,) = found(kept_book)
    assert line.startswith("results/pixels/whole/seeds.json: cannot be read")


# -- tolerances ------------------------------------------------------------------------------------


def accepted_with(book, **changes):
    accepted = read_accepted(results_path(Project(book.root).results, "pixels/whole"))
    noise = Result(**({"name": "noise", "value": 0.1, "rtol": 0.0} | changes))
    return accepted.model_copy(update={"results": [noise]})


@pytest.mark.parametrize(
    ("atol", "wrong"), [(0.24, False), (0.25, False), (0.26, True), (1e9, True)]
)
def test_a_tolerance_of_more_than_half_the_spread_is_told(kept_book, atol, wrong):
    names = list(too_wide(accepted_with(kept_book, atol=atol), seeds_of(kept_book)))
    assert names == ["noise"] * wrong


def test_a_relative_tolerance_counts(kept_book):
    accepted = accepted_with(kept_book, value=10.0, rtol=0.03)
    assert list(too_wide(accepted, seeds_of(kept_book))) == ["noise"]


@pytest.mark.parametrize("values", [[1.0, 1.0, 1.0], [1.0, 1.0 + 1e-9, 1.0], [1.0, None, None]])
def test_what_does_not_vary_may_have_any_tolerance(kept_book, values):
    table = seeds_of(kept_book, results=[ResultColumn(name="noise", values=values)])
    assert list(too_wide(accepted_with(kept_book, atol=9.0), table)) == []


def test_the_check_of_tolerances_is_part_of_check(kept_book):
    path = kept_book.root / "results/pixels/whole/accepted.json"
    content = json.loads(path.read_text("utf-8"))
    for result in content["results"]:
        result["atol"] = 0.3
    path.write_text(json.dumps(content), "utf-8")
    assert found(kept_book) == []
    (line,) = [line for line in found(kept_book, "note") if "tolerances" in line]
    assert line.startswith("1 stated tolerances are wider")
    assert line.endswith("over 3 seeds, which counts: noise")
