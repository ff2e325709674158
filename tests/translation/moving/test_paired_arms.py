"""Arms compared seed by seed: by hand on a small table, and never cell by cell."""

import numpy as np
import pytest

from medlib.experiment.tables import SweepTable
from medlib.experiment.trials import Trial
from medlib.translation.moving.paired_arms import ENDS, auc_by_seed, gain_by_seed, rank_by_seed

CELLS = [{"domain": domain, "labels": labels} for domain in ("near", "far") for labels in (9, 3)]
GRID = {"seed": [0, 1, 2], "labels": [9, 3], "domain": ["near", "far"]}


@pytest.fixture
def trial():
    """AUC = arm + end + cell + seed: a difference of arms at one end is the same everywhere."""
    parts = {"frozen": 0.1, "full": 0.2, "graded": 0.25}
    ends = {"_demo": 0.0, "_tuned": 0.01, "_longer": 0.02, "": 0.02}
    places = [
        {"seed": seed, "labels": labels, "domain": domain}
        for seed in GRID["seed"]
        for labels in GRID["labels"]
        for domain in GRID["domain"]
    ]

    def at(place):
        return place["seed"] / 10 + place["labels"] / 100 + (place["domain"] == "far") / 1000

    results = [
        {"name": f"auc_{arm}{end}", "values": [base + more + at(place) for place in places]}
        for arm, base in parts.items()
        for end, more in ends.items()
        if arm != "frozen" or not end
    ]
    points = [{"point": f"p{i}", "parameters": place} for i, place in enumerate(places)]
    table = {"schema_version": 2, "chapter": "a/b", "grid": GRID, "fixed": {}, "points": points}
    return Trial("a/b", SweepTable.model_validate(table | {"made_by": {}, "results": results}))


def test_one_arm_in_one_cell_has_a_value_a_seed(trial):
    found = auc_by_seed(trial, "full", end="longer", domain="far", labels=3)
    np.testing.assert_allclose(found, 0.2 + 0.02 + 0.03 + 0.001 + np.array([0, 0.1, 0.2]))


def test_the_frozen_network_is_the_same_at_every_end(trial):
    found = [auc_by_seed(trial, "frozen", end=end, domain="near", labels=9) for end in ENDS]
    np.testing.assert_allclose(found, [0.21 + np.array([0, 0.1, 0.2])] * len(ENDS))


def test_what_a_seed_and_a_cell_share_drops_out(trial):
    np.testing.assert_allclose(gain_by_seed(trial, "graded", "full", cells=CELLS), [0.05] * 3)
    learned = gain_by_seed(trial, "full", "frozen", cells=CELLS[:1], end="tuned")
    np.testing.assert_allclose(learned, [0.09] * 3)


def test_the_seed_stays_the_unit_however_many_cells_there_are(trial):
    assert gain_by_seed(trial, "graded", "full", cells=CELLS).shape == (3,)
    with pytest.raises(ValueError, match="no cell"):
        gain_by_seed(trial, "graded", "full", cells=[])


def test_an_end_that_nobody_measured_is_refused(trial):
    with pytest.raises(ValueError, match="end='last'; choose demo, tuned, longer, end"):
        auc_by_seed(trial, "full", end="last", domain="near", labels=9)


def test_ranks_are_those_by_hand():
    x = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    y = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 3.0], [3.0, 4.0]])
    by_hand = [1 - 6 * 2 / (4 * 15), 1 - 6 * 8 / (4 * 15)]  # 1 - 6 Σ d² / (n (n² - 1))
    np.testing.assert_allclose(rank_by_seed(x, y), by_hand)


def test_a_seed_that_ranks_nothing_says_so():
    x = np.array([[1.0, 7.0, 1.0], [2.0, 7.0, 2.0]])
    y = np.array([[1.0, 1.0, 5.0], [2.0, 2.0, 5.0]])
    np.testing.assert_allclose(rank_by_seed(x, y), [1.0, np.nan, np.nan])
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(3, 2\)"):
        rank_by_seed(x, y.T)
