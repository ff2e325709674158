"""The recorded sweep that the chapter on fine-tuning shows: whole, and as its page says."""

import json
import re
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from medlib.experiment.tables import SweepTable, read_kept
from press.results.stale import known_stale, stale_because
from press.run.execute import plan
from press.source.given import read_seeds
from press.source.project import Project

ROOT = Path(__file__).parents[2]
POINT = "translation/extract_or_finetune/_arms_at_one_size"
DOMAINS = ("near", "far", "tissue")
ARMS = ("scratch", "frozen", "norm_only", "graded", "full")


@pytest.fixture(scope="module")
def trial() -> SweepTable:
    return read_kept(ROOT / f"results/{POINT}/sweep.json", SweepTable)


@pytest.fixture(scope="module")
def wide(trial) -> pd.DataFrame:
    """One row a number of labels and seed, one column a result."""
    frame = pd.DataFrame(trial.rows())
    return frame.pivot(index=["labels", "seed"], columns="result", values="value")


def test_every_arm_stands_in_every_domain_at_every_number_of_labels_and_seed(trial, wide):
    assert trial.failed == []
    assert list(wide.index) == list(product(trial.grid["labels"], trial.grid["seed"]))
    always = {f"auc_{d}_{arm}" for d in DOMAINS for arm in (*ARMS, "colours", "shuffled")}
    always |= {f"distance_{cloud}" for cloud in (*DOMAINS, "again")}
    long = {f"auc_{d}_{arm}_long" for d in DOMAINS for arm in ("graded", "full")}
    assert set(wide.columns) == always | long
    assert wide[sorted(always)].notna().all(axis=None)
    many = wide.index.get_level_values("labels") > trial.fixed["most_few"]
    assert (many == wide[sorted(long)].notna().T).all(axis=None)
    aucs = wide.filter(like="auc_").stack().dropna()
    assert aucs.between(0, 1).all()


def test_what_does_not_depend_on_the_labels_is_the_same_at_every_number_of_them(wide):
    same = wide.filter(like="distance_").groupby("seed").nunique()
    assert (same == 1).all(axis=None)


def test_no_two_seeds_or_numbers_of_labels_gave_the_same_table(wide):
    frozen = wide[[f"auc_{domain}_frozen" for domain in DOMAINS]]
    assert not frozen.duplicated().any()


def test_labels_dealt_out_at_random_teach_nothing_on_average(wide):
    by_seed = wide.filter(like="_shuffled").mean(axis=1).groupby("seed").mean()
    interval = stats.ttest_1samp(by_seed, 0.5).confidence_interval(0.99)
    assert interval.low < 0.5 < interval.high
    assert interval.high - interval.low < 0.1


def test_it_names_a_commit_and_its_code_or_is_listed_as_stale(trial):
    project = Project(ROOT)
    stale = stale_because(project, project.notebook(POINT), trial.made_by)
    assert bool(stale) == (f"{POINT}/sweep" in known_stale(project))
    for commit in trial.made_by.commits:
        assert re.fullmatch("[0-9a-f]{40}", commit)


def test_its_settings_are_the_notebooks_own(trial):
    project = Project(ROOT)
    defaults = plan(project, project.notebook(POINT)).parameters
    assert trial.profile == "book"
    assert trial.fixed == {n: v for n, v in defaults.items() if n not in trial.grid}


def test_the_command_on_the_page_is_the_one_that_made_it(trial):
    page = (ROOT / "chapters/translation/extract_or_finetune/extract_or_finetune.py").read_text(
        "utf-8"
    )
    (words,) = re.findall(r"^# medbook sweep _arms_at_one_size (.*)$", page, re.MULTILINE)
    labels, seeds = re.fullmatch(r"-g labels=([\d,]+) --seeds (\S+) --accept", words).groups()
    assert [int(n) for n in labels.split(",")] == trial.grid["labels"]
    assert read_seeds(seeds) == trial.grid["seed"]


def test_the_gains_on_the_page_are_those_of_the_table(trial, wide):
    accepted = json.loads(
        (ROOT / "results/translation/extract_or_finetune/accepted.json").read_text("utf-8")
    )
    found = {r["name"]: r for r in accepted["results"] if r["name"].startswith("trial_")}
    cells = {"few": (20, ""), "many": (400, ""), "long": (400, "_long")}
    expected = set()
    for domain, arm, (time, (n, more)) in product(DOMAINS, ARMS[2:], cells.items()):
        if arm == "norm_only" and more:
            continue
        at = wide.loc[n]
        pair = at[f"auc_{domain}_{arm}{more}"], at[f"auc_{domain}_frozen"]
        ends = stats.ttest_rel(*pair).confidence_interval()
        row = found[f"trial_{domain}_{arm}_{time}"]
        got = (row["value"], row["low"], row["high"], row["n"])
        mean = (pair[0] - pair[1]).mean()
        assert got == pytest.approx((mean, ends.low, ends.high, len(trial.grid["seed"])), abs=1e-9)
        expected.add(row["name"])
    assert set(found) == expected
