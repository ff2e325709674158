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


def first_of_parts() -> list[str]:
    parts: dict[str, str] = {}
    for chapter in PROJECT.chapters:
        parts.setdefault(chapter.part, chapter.id)
    return list(parts.values())


@pytest.mark.chapter
@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_it_runs_on_any_seed_and_has_claims_and_a_control(chapter, tmp_path, request):
    given = [{}, *({"seed": seed} for seed in SEEDS)]
    jobs = [
        replace(plan(PROJECT, chapter, profile="smoke", given=each), destination=tmp_path / str(n))
        for n, each in enumerate(given)
    ]
    (one, *_) = records(jobs, request.getfixturevalue("nursery") if can_fork() else None)
    assert [claim.text for claim in one.claims if claim.control], "no negative control"
    assert 3 <= len(one.claims) <= 8


@pytest.mark.chapter
@pytest.mark.parametrize("chapter", first_of_parts())
def test_clean_or_forked_it_gives_the_same_bits(chapter, tmp_path, request):
    """One chapter a part: a fork differs in what it has imported, not in what it computes."""
    book = plan(PROJECT, PROJECT.chapter(chapter), profile="smoke")
    places = [replace(book, destination=tmp_path / name) for name in ("clean", "forked")]
    forked = request.getfixturevalue("nursery") if can_fork() else None
    (one,), (two,) = records(places[:1]), records(places[1:], forked)
    for part in MEASURED:
        assert getattr(one, part) == getattr(two, part), f"{part} differ between two runs"
