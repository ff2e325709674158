"""The same bits twice: two cold runs of each chapter, by one worker and by two, agree."""

from dataclasses import replace
from pathlib import Path

import pytest

from medlib.experiment.record import read_record
from press.run.execute import RECORD, execute_all, plan
from press.source.project import Project

PROJECT = Project(Path(__file__).parents[1])
MEASURED = ("results", "claims", "figures", "tables", "sentences", "streams", "data", "modules")


def run_all(folder: Path, *, workers: int) -> dict[str, dict]:
    jobs = [
        replace(plan(PROJECT, chapter, profile="smoke"), destination=folder / chapter.id)
        for chapter in PROJECT.chapters
    ]
    failures = [o.failure for o in execute_all(PROJECT, jobs, workers=workers) if not o.ok]
    assert failures == []
    records = {job.chapter.id: read_record(job.destination / RECORD) for job in jobs}
    return {name: record.model_dump(include=set(MEASURED)) for name, record in records.items()}


@pytest.mark.chapter
def test_one_worker_and_two_give_the_same_results_and_pixels(tmp_path):
    one = run_all(tmp_path / "one", workers=1)
    two = run_all(tmp_path / "two", workers=2)
    assert one.keys() == two.keys() == {chapter.id for chapter in PROJECT.chapters}
    for chapter, measured in one.items():
        for part, value in measured.items():
            assert two[chapter][part] == value, f"{chapter}: {part} differ between two runs"
