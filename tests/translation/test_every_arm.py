"""The recorded trial that the part on transfer learning rests on: whole, and what it must be."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medlib.experiment.tables import SweepTable, read_kept
from press.run.execute import plan
from press.source.project import Project

ROOT = Path(__file__).parents[2]
POINT = "translation/extract_or_finetune/_every_arm_to_its_end"
TRAINED = ("norm_only", "graded", "full", "gradual", "l2_sp", "scratch")


@pytest.fixture(scope="module")
def trial() -> SweepTable:
    return read_kept(ROOT / f"results/{POINT}/sweep.json", SweepTable)


@pytest.fixture(scope="module")
def wide(trial) -> pd.DataFrame:
    """One row a point, one column a result."""
    frame = pd.DataFrame(trial.rows())
    return frame.pivot(index=["domain", "labels", "seed"], columns="result", values="value")


def test_every_arm_stands_in_every_domain_at_every_number_of_labels_and_seed(trial, wide):
    grid = trial.grid
    assert trial.failed == []
    assert set(grid["domain"]) == {"near", "far", "tissue"}
    assert len(grid["seed"]) >= 5
    assert set(wide.index) == set(product(grid["domain"], grid["labels"], grid["seed"]))
    ends = [f"auc_{arm}{when}" for arm in TRAINED for when in ("", "_tuned", "_longer", "_demo")]
    assert wide[[*ends, "auc_frozen", "auc_frozen_standardised"]].notna().all(axis=None)


def test_an_arms_end_is_the_better_of_two_lengths_on_validation_images(wide):
    for arm in TRAINED:
        longer = wide[f"validation_{arm}_longer"] > wide[f"validation_{arm}_tuned"]
        chosen = wide[f"auc_{arm}_longer"].where(longer, wide[f"auc_{arm}_tuned"])
        assert np.allclose(chosen, wide[f"auc_{arm}"]), arm


def test_pretrained_arms_never_validate_worse_than_their_start(trial):
    for point in trial.points:
        curves = pd.DataFrame(point.tables["curves"])
        for arm, curve in curves[curves["arm"] != "scratch"].groupby("arm"):
            assert curve["step"].iloc[0] == 0, arm
            assert curve["validation AUC"].max() >= curve["validation AUC"].iloc[0]


def test_no_two_points_have_the_same_images(wide):
    assert not wide["auc_frozen"].round(6).duplicated().any()


def test_labels_dealt_out_at_random_teach_nothing_on_average(wide):
    dealt = wide["auc_shuffled"].groupby("seed").mean()
    assert abs(dealt.mean() - 0.5) < 4 * dealt.std(ddof=1) / np.sqrt(len(dealt))


def test_it_names_a_commit_and_its_settings_are_the_notebooks_own(trial):
    project = Project(ROOT)
    for commit in trial.made_by.commits:
        assert re.fullmatch("[0-9a-f]{40}", commit)
    defaults = plan(project, project.notebook(POINT)).parameters
    assert trial.profile == "book"
    assert trial.fixed == {n: v for n, v in defaults.items() if n not in trial.grid}
