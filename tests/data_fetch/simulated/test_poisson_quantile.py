"""The quick quantile is scipy's, and more dose never means fewer counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from data_fetch.simulated.poisson_quantile import poisson_quantile

UNIFORM = st.floats(0, 1, exclude_max=True, exclude_min=True)


@given(UNIFORM, st.floats(0.01, 500))
def test_it_agrees_with_scipy(luck, mean):
    ours = poisson_quantile(np.array([luck]), np.array([mean]))[0]
    # at an exact step of the probabilities the two may differ by rounding
    theirs = poisson.ppf(luck, mean)
    assert ours == theirs or abs(poisson.cdf(min(ours, theirs), mean) - luck) < 1e-12


def test_many_at_once_agree_with_scipy():
    rng = np.random.default_rng(0)
    luck, mean = rng.random((40, 50)), rng.uniform(0.05, 300, size=(40, 50))
    np.testing.assert_array_equal(poisson_quantile(luck, mean), poisson.ppf(luck, mean))


@given(UNIFORM, st.floats(0.01, 300), st.floats(0, 100))
def test_more_dose_never_means_fewer_counts(luck, mean, more):
    low, high = poisson_quantile(np.array([luck, luck]), np.array([mean, mean + more]))
    assert low <= high


def test_without_any_mean_there_are_no_counts():
    assert (poisson_quantile(np.array([0.0, 0.5, 0.99]), np.zeros(3)) == 0).all()


@pytest.mark.parametrize(("luck", "mean"), [(1.0, 2.0), (-0.1, 2.0), (0.5, -1.0)])
def test_what_is_out_of_range_is_refused(luck, mean):
    with pytest.raises(ValueError, match="luck"):
        poisson_quantile(np.array([luck]), np.array([mean]))
