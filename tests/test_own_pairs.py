"""Virtual staining runs on a reader's own folder of registered pairs, or says what is wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_fetch.packaged import ihc
from press.run.execute import Outcome, execute_all, plan
from press.run.starting import can_fork
from press.source.project import SMOKE_PROFILE, Project

PROJECT = Project(Path(__file__).parents[1])


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three fields of real tissue, and a negative of each as if it were unstained."""
    for k in range(3):
        stained = ihc().array[160 * k : 160 * k + 160, :200, :3]
        for kind, picture in (("stained", stained), ("unstained", 255 - stained)):
            (tmp_path / "pairs" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(picture)).save(
                tmp_path / "pairs" / kind / f"{k}.png"
            )
    return tmp_path / "pairs"


def outcome(folder: Path, out: Path, request) -> Outcome:
    chapter = PROJECT.chapter("pixels/virtual_staining")
    job = plan(PROJECT, chapter, profile=SMOKE_PROFILE, given={"pairs_folder": str(folder)})
    start = request.getfixturevalue("nursery") if can_fork() else None
    jobs = [replace(job, destination=out / "run")]
    (found,) = execute_all(PROJECT, jobs, workers=1, start=start)
    return found


@pytest.mark.chapter
def test_it_runs_on_a_folder_of_pairs(folder, tmp_path, request):
    found = outcome(folder, tmp_path, request)
    assert found.failure is None, found.failure.line
    record = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    used = {use["name"]: use["kind"] for use in record["data"]}
    assert used["pairs/pairs"] == "real"
    assert not any("ihc" in name for name in used)


@pytest.mark.chapter
def test_a_pair_that_lacks_its_partner_is_named(folder, tmp_path, request):
    (folder / "stained" / "1.png").unlink()
    found = outcome(folder, tmp_path, request)
    assert found.failure is not None
    assert "stained no picture of that name" in found.failure.line
