"""The notebooks that two claims of low-dose CT must fail in: the chapter's settings, one defect."""

from dataclasses import replace
from pathlib import Path

import pytest

from medlib.experiment.record import read_record
from press.run.execute import RECORD, execute_all, plan
from press.run.starting import can_fork
from press.source.given import declared_parameters
from press.source.project import Project

PROJECT = Project(Path(__file__).parents[3])
CHAPTER = PROJECT.chapter("pixels/low_dose_ct")
DEFECTS = {"_praised_observer": {"praised"}, "_mixed_targets": {"poor_dose"}}


@pytest.mark.parametrize("name", DEFECTS)
def test_all_but_the_defect_is_the_chapters(name):
    ours, chapters = (
        declared_parameters(PROJECT, each)
        for each in (PROJECT.notebook(f"{CHAPTER.id}/{name}"), CHAPTER)
    )
    assert set(ours) - set(chapters) == DEFECTS[name]
    for parameter in set(ours) & set(chapters):
        assert ours[parameter].default == chapters[parameter].default


@pytest.mark.chapter
@pytest.mark.parametrize(("praised", "holds"), [(False, True), (True, False)])
def test_the_control_fails_of_the_defect_and_of_nothing_else(praised, holds, tmp_path, request):
    leak = PROJECT.notebook(f"{CHAPTER.id}/_praised_observer")
    job = plan(PROJECT, leak, given={"praised": praised, "n_views": 30})
    start = request.getfixturevalue("nursery") if can_fork() else None
    (outcome,) = execute_all(PROJECT, [replace(job, destination=tmp_path / "run")], start=start)
    assert outcome.failure is None
    (claim,) = read_record(tmp_path / "run" / RECORD).claims
    assert claim.control
    assert claim.holds == holds
