"""The line adds up to what it says, and says what studies were like."""

import numpy as np
import pytest
from scipy.special import logit

from medlib.systems.clinic.decision import FEATURES, fit_decision, of_probabilities


def studies(n=200, seed=0):
    rng = np.random.default_rng(seed)
    present = np.arange(n) % 2
    return rng.normal(0, 1, (n, 2)) + np.outer(present, [1.5, 0.5]), present


def test_contributions_and_offset_are_the_log_odds():
    numbers, present = studies()
    line = fit_decision(numbers, present, names=FEATURES)
    for row in numbers[:5]:
        parts = line.contributions(row)
        assert tuple(parts) == FEATURES
        whole = line.offset + sum(parts.values())
        assert whole == pytest.approx(logit(line.probability(row)))
    assert all(part == pytest.approx(0) for part in line.contributions(numbers.mean(0)).values())


def test_probabilities_are_calibrated_on_others():
    line = fit_decision(*studies(400), names=FEATURES)
    numbers, present = studies(2000, seed=1)
    p = np.array([line.probability(row) for row in numbers])
    assert abs(p.mean() - 0.5) < 0.04
    high = p > 0.8
    assert abs(p[high].mean() - present[high].mean()) < 0.06


def test_one_sure_spot_is_enough():
    p = np.full((2, 10, 10), 0.001)
    low = of_probabilities(p)
    p[0, :5, 0] = 0.99
    high = of_probabilities(p)
    assert high[0] == pytest.approx(logit(0.99))
    assert low[0] == pytest.approx(logit(0.001))
    assert high[1] > low[1]
    assert np.isfinite(of_probabilities(np.zeros((1, 2, 2)))).all()


def test_one_kind_of_study_is_not_enough():
    with pytest.raises(ValueError, match="with a lesion and without"):
        fit_decision(np.zeros((3, 2)), np.ones(3, dtype=int), names=FEATURES)
    with pytest.raises(ValueError, match="one column for each of 2"):
        fit_decision(np.zeros((2, 3)), np.array([0, 1]), names=FEATURES)
