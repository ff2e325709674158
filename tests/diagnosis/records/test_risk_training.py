"""The one training: it learns, it is the same for equal seeds, and cut first it cannot leak."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.records.arms import ARMS
from medlib.diagnosis.records.replay import offline_risk, replayed_risk
from medlib.diagnosis.records.risk_training import Patients, Recipe, fit_risk, mean_loss
from medlib.measures.rank_auc import rank_auc


def patients(n, seed, *, future=False):
    """Two channels; the outcome shows in the first one: from the start, or only in its last row."""
    rng = np.random.default_rng(seed)
    outcome = rng.integers(0, 2, n)
    rows = rng.normal(size=(n, 8, 2)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.5] = np.nan
    if future:
        rows[:, :, 0] = np.nan
        rows[:, 7, 0] = 3.0 * outcome - 1.5
    else:
        rows[:, :, 0] += 1.5 * outcome[:, None].astype(np.float32)
    return Patients(rows, outcome)


RECIPE = Recipe(steps=60, hours=4, hidden=4, rate=3e-2, batch_size=32)


def fit(name, *, future=False, seed=0, **how):
    learn, check = patients(200, 0, future=future), patients(100, 1, future=future)
    generator = torch.Generator().manual_seed(seed)
    return fit_risk(ARMS[name], learn, check, recipe=RECIPE, generator=generator, **how)[0]


@pytest.mark.parametrize("name", ["mean fill", "carried forward", "GRU-D", "masks and intervals"])
def test_it_learns_what_there_is(name):
    test = patients(300, 2)
    risk = offline_risk(fit(name), ARMS[name], test.rows, hours=4)[:, -1]
    assert rank_auc(risk, test.outcome).value > 0.75


def test_filled_first_it_learns_the_future_and_cut_first_it_cannot():
    test, arm = patients(300, 2, future=True), ARMS["back fill"]
    leaky, honest = (fit("back fill", future=True, cut_first=cut) for cut in (False, True))
    study = offline_risk(leaky, arm, test.rows, hours=4)[:, -1]
    assert rank_auc(study, test.outcome).value > 0.95
    for network in (leaky, honest):
        replay = replayed_risk(network, arm, test.rows, at=[4])[:, 0]
        assert rank_auc(replay, test.outcome).value < 0.6


def test_equal_seeds_give_equal_weights():
    one, two, other = (fit("GRU-D", seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_the_loss_is_that_of_torch_and_of_a_coin():
    logits, target = torch.zeros(3, 4), torch.tensor([0.0, 1.0, 1.0])
    assert mean_loss(logits, target).item() == pytest.approx(np.log(2))
