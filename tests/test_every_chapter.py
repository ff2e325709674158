"""What every chapter of the book must do in the quick profile: one test a chapter.

A chapter let into the book is found here by itself; what only it promises is tested in its room.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from medlib.experiment.record import Record, read_record
from press.run.execute import RECORD, Job, execute_all, plan
from press.run.starting import can_fork
from press.source.project import Project

PROJECT = Project(Path(__file__).parents[1])
MEASURED = ("results", "claims", "figures", "tables", "sentences", "streams", "data", "modules")
SEEDS = (1, 2)  # besides the book's own: a quick run must not die of an unlucky draw


def records(jobs: list[Job], start=None) -> list[Record]:
    outcomes = execute_all(PROJECT, jobs, workers=2, start=start)
    assert [outcome.failure for outcome in outcomes if not outcome.ok] == []
    return [read_record(job.destination / RECORD) for job in jobs]


@pytest.mark.chapter
@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_it_runs_on_any_seed_and_clean_or_forked_it_gives_the_same_bits(chapter, tmp_path, request):
    book = plan(PROJECT, chapter, profile="smoke")
    others = [plan(PROJECT, chapter, profile="smoke", given={"seed": seed}) for seed in SEEDS]
    clean, *jobs = [
        replace(job, destination=tmp_path / str(place), label=f"{chapter} {place}")
        for place, job in enumerate([book, book, *others])
    ]
    forked = request.getfixturevalue("nursery") if can_fork() else None
    (one,), (two, *_) = records([clean]), records(jobs, forked)
    for part in MEASURED:
        assert getattr(one, part) == getattr(two, part), f"{part} differ between two runs"
    assert [claim.text for claim in one.claims if claim.control], "no negative control"
    assert 3 <= len(one.claims) <= 8
