"""The proxy distance: 0 for equal domains, 2 for domains apart, Bayes' error in between."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from medlib.translation.shifts.proxy_distance import proxy_a_distance, proxy_from_error


@given(error=st.floats(0, 1))
def test_the_distance_is_linear_in_the_error_and_guessing_is_zero(error):
    assert proxy_from_error(error) + proxy_from_error(1 - error) == pytest.approx(0.0, abs=1e-12)
    assert -2 <= proxy_from_error(error) <= 2


def test_equal_domains_have_mean_zero():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found.append(proxy_a_distance(*rng.normal(size=(2, 40, 30)), rng=rng).value)
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))


def test_two_gaussians_reach_what_bayes_can():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 8000, 2))
    found = proxy_a_distance(first, second + np.array([1.0, 0.0]), rng=rng)
    # the best classifier cuts halfway: error Φ(-1/2); its d is twice the total variation distance
    assert found.low < proxy_from_error(norm.cdf(-0.5)) < found.high
    assert found.value == pytest.approx(2 * (1 - 2 * found.error))
    assert found.n_test == 8000


def test_the_interval_is_the_binomial_one():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 50, 3))
    found = proxy_a_distance(first, second + 1, rng=rng, level=0.9)
    ends = binomtest(round(found.error * found.n_test), found.n_test).proportion_ci(0.9)
    assert (found.low, found.high) == (2 - 4 * ends.high, 2 - 4 * ends.low)


def test_domains_may_be_exchanged():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 2000, 3))
    there = proxy_a_distance(first, second + 0.5, rng=rng).value
    back = proxy_a_distance(second + 0.5, first, rng=rng).value
    assert there == pytest.approx(back, abs=0.15)


def test_errors_teach():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"expected two times \(n, c\)"):
        proxy_a_distance(np.zeros((10, 2)), np.zeros((9, 2)), rng=rng)
    with pytest.raises(ValueError, match="at least 8"):
        proxy_a_distance(np.zeros((6, 2)), np.zeros((6, 2)), rng=rng)
    with pytest.raises(ValueError, match="between 0 and 1"):
        proxy_from_error(1.2)
