"""The cheapest gate is the cheapest of all thresholds of all options, weighed as the clinic is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.novelty.referral import ReferralCosts
from medlib.diagnosis.novelty.stratified_mean import stratified_mean
from medlib.diagnosis.novelty.tuned_gate import cheapest_gate, cost_by_kind, mix_curve

SHARES = {"usual": 0.8, "odd": 0.2}


def drawn(seed):
    rng = np.random.default_rng(seed)
    wrong = {"usual": rng.random(30) < 0.2, "odd": np.ones(11, bool)}
    options = {
        name: {"usual": rng.integers(0, 6, 30) * 1.0, "odd": rng.integers(2, 9, 11) * 1.0}
        for name in "abc"
    }
    return options, wrong


@given(st.integers(0, 500), st.floats(0, 1))
def test_no_threshold_of_any_option_costs_less(seed, price):
    options, wrong = drawn(seed)
    costs = ReferralCosts(price, 0.02)

    def mean(name, threshold):
        each = cost_by_kind(options[name], wrong, threshold=threshold, costs=costs)
        return stratified_mean(each, shares=SHARES).value

    name, threshold = cheapest_gate(options, wrong, shares=SHARES, costs=costs)
    least = min(mean(n, t) for n in options for t in (-np.inf, *range(9)))
    assert mean(name, threshold) == pytest.approx(least)
    curve = mix_curve(options[name], wrong, shares=SHARES, costs=costs)
    assert curve.cost.min() == pytest.approx(least)


def test_no_option_is_refused():
    with pytest.raises(ValueError, match="options is empty"):
        cheapest_gate({}, {}, shares=SHARES, costs=ReferralCosts(0.1, 0.0))
