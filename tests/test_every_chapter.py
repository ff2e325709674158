"""What every chapter of the book must do in the quick profile: one test a chapter.

A chapter let into the book is found here by itself; what only it promises is tested in its room.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from medlib.experiment.record import Record, read_record
from press.check.budgets import budget_factor, inspect_budgets
from press.finding import errors
from press.results.falsified import find_falsifier
from press.run.execute import RECORD, Job, execute_all, plan, read_note
from press.run.starting import can_fork
from press.source.project import Project

PROJECT = Project(Path(__file__).parents[1])
MEASURED = ("results", "claims", "figures", "tables", "sentences", "streams", "data", "modules")
# Besides the book's own: a quick run must not die of an unlucky draw. A third is tried with other
# parameters (`test_every_parameter`).
SEEDS = (1,)
# Of each part one quick chapter: a fork differs in what it has imported, not in what it computes.
COMPARED = (
    "pixels/virtual_staining",
    "diagnosis/two_tasks_one_encoder",
    "translation/registration",
    "systems/secure_aggregation",
)

# Runs stand beside each other here, and beside whatever else a machine does, slow ones too. The
# budget itself is held by who writes a chapter, on a quiet core (docs/decisions/0004).
BUSY = 4.0


def records(jobs: list[Job], start=None) -> list[Record]:
    outcomes = execute_all(PROJECT, jobs, workers=2, start=start)
    assert [outcome.failure for outcome in outcomes if not outcome.ok] == []
    return [read_record(job.destination / RECORD) for job in jobs]


def beyond_budget(job: Job) -> list[str]:
    """What a run took beyond its budget, stretched as this machine is said to need it."""
    record, note = read_record(job.destination / RECORD), read_note(job.destination)
    return [found.message for found in errors([*inspect_budgets(record, note, project=PROJECT)])]


def measured_by(chapter):
    """Parts of a record that a forked and a clean run of it share.

    A page that shows its own surroundings shows the native libraries that its process has loaded,
    and the mother of a forked one has loaded more (as with `packages` and `arithmetic` of a record,
    which are no part of MEASURED).
    """
    shows = "surroundings(" in chapter.source.read_text("utf-8")
    return [part for part in MEASURED if not (shows and part in ("figures", "sentences"))]


@pytest.mark.chapter
@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_it_runs_on_other_seeds_and_has_claims_that_can_fail(
    chapter, tmp_path, request, monkeypatch
):
    given = [{}, *({"seed": seed} for seed in SEEDS)]
    jobs = [
        replace(plan(PROJECT, chapter, profile="smoke", given=each), destination=tmp_path / str(n))
        for n, each in enumerate(given)
    ]
    forked = request.getfixturevalue("nursery") if can_fork() else None
    (one, *_) = records(jobs, forked)
    monkeypatch.setenv("MEDBOOK_BUDGET_FACTOR", str(max(BUSY, budget_factor())))
    beyond = [beyond_budget(job) for job in jobs]
    assert [] in beyond, f"each time it took more than a quick run may: {beyond}"
    assert [claim.text for claim in one.claims if claim.control], "no negative control"
    assert 3 <= len(one.claims) <= 8
    if any(claim.falsified_by for claim in one.claims):  # then each of them names its own
        for claim in one.claims:
            found = find_falsifier(PROJECT, chapter, claim.falsified_by)
            if found.companion:  # it makes the same claim under its planted defect
                source = PROJECT.notebook(found.companion).source.read_text("utf-8")
                assert f'"{claim.text}"' in source
    if forked and chapter.id in COMPARED:
        (clean,) = records([replace(jobs[0], destination=tmp_path / "clean")])
        for part in measured_by(chapter):
            assert getattr(clean, part) == getattr(one, part), f"forked or clean: other {part}"


def test_of_each_part_a_forked_run_is_compared_with_a_clean_one():
    parts = {PROJECT.chapter(name).part for name in COMPARED}
    assert parts == {chapter.part for chapter in PROJECT.chapters}, "name one of each in COMPARED"
