"""What an error costs, and the threshold that follows."""

import numpy as np
import pytest

from medlib.diagnosis.scoring.costs import bayes_threshold, best_threshold, expected_cost


def test_no_threshold_beats_bayes_on_calibrated_probabilities():
    rng = np.random.default_rng(0)
    p = rng.beta(0.4, 3, size=(1, 400_000))
    y = rng.random(p.shape) < p
    for ratio in (0.5, 2.0, 10.0, 50.0):
        own = bayes_threshold(ratio)
        costs = {
            t: expected_cost(p >= t, y, cost_ratio=ratio)[0] for t in (own / 2, own, own * 1.5)
        }
        assert min(costs, key=costs.get) == own


def test_the_threshold_found_by_trying_is_near_it():
    rng = np.random.default_rng(1)
    p = rng.random((1, 200_000))
    y = rng.random(p.shape) < p
    found = best_threshold(p, y, cost_ratio=4.0, thresholds=np.linspace(0.05, 0.95, 19).tolist())
    assert found == pytest.approx(0.2, abs=0.051)


def test_probabilities_that_boast_move_it():
    rng = np.random.default_rng(2)
    true = rng.random((1, 100_000))
    y = rng.random(true.shape) < true
    boasting = true**0.3  # right in its order, too high in its numbers
    tried = np.linspace(0.02, 0.98, 49).tolist()
    assert best_threshold(boasting, y, cost_ratio=4.0, thresholds=tried) > 0.5


def test_costs_are_of_scans():
    marked = np.array([[[True, False], [False, False]], [[True, True], [True, True]]])
    truth = np.array([[[False, True], [False, False]], [[True, True], [True, True]]])
    assert expected_cost(marked, truth, cost_ratio=3.0).tolist() == [4.0, 0.0]


def test_of_equal_costs_the_one_nearest_to_bayes_is_taken():
    p, y = np.array([[0.1, 0.9]]), np.array([[False, True]])
    assert best_threshold(p, y, cost_ratio=1.0, thresholds=[0.2, 0.45, 0.8]) == 0.45


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.inf, np.nan])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match="cost_ratio"):
        bayes_threshold(ratio)


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        expected_cost(np.zeros((1, 2), bool), np.zeros((1, 3), bool), cost_ratio=1.0)
    with pytest.raises(ValueError, match="thresholds is empty"):
        best_threshold(np.zeros((1, 2)), np.zeros((1, 2), bool), cost_ratio=1.0, thresholds=[])
