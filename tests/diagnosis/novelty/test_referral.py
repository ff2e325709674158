"""Risk, coverage and cost of a gate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.novelty.referral import ReferralCosts, cost_at, referral_curve

COSTS = ReferralCosts(referral=0.1, reader_error=0.02)


@given(st.integers(0, 100))
def test_every_point_is_what_counting_gives(seed):
    rng = np.random.default_rng(seed)
    scores, wrong = rng.integers(0, 6, size=25) * 1.0, rng.random(25) < 0.3
    weights = rng.random(25)
    curve = referral_curve(scores, wrong, costs=COSTS, weights=weights)
    for t, coverage, risk, cost in zip(
        curve.thresholds, curve.coverage, curve.risk, curve.cost, strict=True
    ):
        answered = scores <= t
        assert coverage == pytest.approx(weights[answered].sum() / weights.sum())
        if answered.any():
            assert risk == pytest.approx(np.average(wrong[answered], weights=weights[answered]))
        direct = cost_at(scores, wrong, threshold=t, costs=COSTS, weights=weights)
        assert cost == pytest.approx(direct)
    assert curve.coverage[0] == 0
    assert curve.coverage[-1] == pytest.approx(1)


def test_both_ends_cost_what_they_must():
    wrong = np.array([True, False, False, False])
    curve = referral_curve(np.arange(4.0), wrong, costs=COSTS)
    assert curve.cost[0] == pytest.approx(0.12)
    assert curve.cost[-1] == pytest.approx(0.25)


def test_a_score_that_is_the_risk_is_cut_where_chow_says():
    rng = np.random.default_rng(0)
    p = rng.random(200_000)
    curve = referral_curve(p, rng.random(len(p)) < p, costs=COSTS)
    assert curve.cheapest() == pytest.approx(COSTS.of_reading, abs=0.02)


def test_of_equal_costs_the_one_that_answers_most_is_taken():
    curve = referral_curve(np.arange(3.0), np.zeros(3, bool), costs=ReferralCosts(0.0, 0.0))
    assert curve.cheapest() == 2.0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="reader_error"):
        ReferralCosts(0.1, 1.5)
    with pytest.raises(ValueError, match="one of each"):
        referral_curve(np.ones(3), np.zeros(2, bool), costs=COSTS)
    with pytest.raises(ValueError, match="negative or all zero"):
        referral_curve(np.ones(2), np.zeros(2, bool), costs=COSTS, weights=np.zeros(2))
