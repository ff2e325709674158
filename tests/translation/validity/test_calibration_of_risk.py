"""Calibration intercept and slope: statsmodels' fits and likelihoods, planted errors, coverage."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import chi2

from medlib.measures.calibration import fit_logit_line
from medlib.translation.validity.calibration_of_risk import (
    calibration_of_risk,
    logistic_fit,
    observed_over_expected,
)

BINOMIAL = sm.families.Binomial()


def patients(n, *, seed, slope=1.0, intercept=0.0):
    """Risks told, and labels whose true logit is intercept + slope · logit of the told."""
    rng = np.random.default_rng(seed)
    line = rng.normal(-0.5, 1.2, size=n)
    return expit(line), (rng.random(n) < expit(intercept + slope * line)).astype(int)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fits_are_statsmodels(seed):
    p, y = patients(150, seed=seed, slope=0.6, intercept=0.4)
    ones, line = np.ones(150), logit(p)
    found = calibration_of_risk(p, y)
    large = sm.GLM(y, ones, family=BINOMIAL, offset=line).fit(tol=1e-12)
    both = sm.GLM(y, np.column_stack([ones, line]), family=BINOMIAL).fit(tol=1e-12)
    assert found.intercept.value == pytest.approx(large.params[0], abs=1e-10)
    assert [found.beside_slope, found.slope.value] == pytest.approx(list(both.params), abs=1e-9)
    _, covariance, value = logistic_fit(np.column_stack([ones, line]), y)
    np.testing.assert_allclose(covariance, both.cov_params(), rtol=1e-6)
    assert value == pytest.approx(both.llf, abs=1e-10)
    told = sm.GLM(y, ones, family=BINOMIAL, offset=line).loglike(np.zeros(1))
    assert found.p_value == pytest.approx(chi2.sf(2 * (both.llf - told), 2), rel=1e-8)
    assert found.slope.value == pytest.approx(fit_logit_line(p, y).slope, abs=1e-3)


def test_at_each_end_statsmodels_likelihood_has_fallen_by_half_of_chi_square():
    p, y = patients(120, seed=3)
    line, found = logit(p), calibration_of_risk(p, y)
    best = sm.GLM(y, sm.add_constant(line), family=BINOMIAL).fit().llf
    for end in found.slope.interval:
        there = sm.GLM(y, np.ones(120), family=BINOMIAL, offset=end * line).fit().llf
        assert 2 * (best - there) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)
    large = sm.GLM(y, np.ones(120), family=BINOMIAL, offset=line).fit()
    for end in found.intercept.interval:
        fallen = 2 * (large.llf - large.model.loglike(np.array([end])))
        assert fallen == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


def test_with_many_patients_it_is_walds_interval():
    p, y = patients(20_000, seed=4)
    found = calibration_of_risk(p, y)
    wald = sm.GLM(y, sm.add_constant(logit(p)), family=BINOMIAL).fit().conf_int()[1]
    np.testing.assert_allclose(found.slope.interval, wald, atol=1e-3)


def test_planted_errors_are_found_and_the_wrong_intercept_is_another():
    p, y = patients(20_000, seed=5, slope=0.5, intercept=0.8)
    found = calibration_of_risk(p, y)
    assert found.slope.low < 0.5 < found.slope.high
    assert found.beside_slope == pytest.approx(0.8, abs=0.06)
    assert found.intercept.value > 1.0  # 0.8 and what the slope lifts, as most risks are low
    assert found.p_value < 1e-10


@given(st.integers(0, 10**6), st.floats(0.4, 2.5), st.floats(-1, 1))
def test_recalibrating_by_the_fit_leaves_nothing_and_scaling_divides_the_slope(seed, b, a):
    p, y = patients(80, seed=seed)
    found = calibration_of_risk(p, y)
    again = calibration_of_risk(expit(found.beside_slope + found.slope.value * logit(p)), y)
    assert again.slope.value == pytest.approx(1, abs=1e-5)
    assert again.intercept.value == pytest.approx(0, abs=1e-6)
    bent = calibration_of_risk(expit(a + b * logit(p)), y)
    assert bent.slope.value == pytest.approx(found.slope.value / b, rel=1e-5)
    turned = calibration_of_risk(1 - p, 1 - y)
    assert turned.slope.value == pytest.approx(found.slope.value, rel=1e-6)
    assert turned.intercept.value == pytest.approx(-found.intercept.value, abs=1e-7)


def test_intervals_and_the_test_hold_their_level():
    inside, alarms = [], []
    for seed in range(250):
        p, y = patients(60, seed=1000 + seed)
        found = calibration_of_risk(p, y)
        slope, large = found.slope, found.intercept
        inside.append((slope.low <= 1 <= slope.high, large.low <= 0 <= large.high))
        alarms.append(found.p_value < 0.05)
    np.testing.assert_allclose(np.mean(inside, axis=0), 0.95, atol=0.045)
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.04)


def test_observed_over_expected_covers():
    inside = []
    for seed in range(400):
        p, y = patients(150, seed=seed)
        found = observed_over_expected(p, y)
        inside.append(found.low <= 1 <= found.high)
    assert found.value == pytest.approx(y.sum() / p.sum())
    assert np.mean(inside) >= 0.93  # risks take away variance that a share alone has


def test_errors_teach():
    p, y = patients(50, seed=6)
    with pytest.raises(ValueError, match="nothing to calibrate"):
        calibration_of_risk(p, np.zeros(50, dtype=int))
    with pytest.raises(ValueError, match="no slope"):
        calibration_of_risk(np.full(50, 0.3), y)
    with pytest.raises(ValueError, match="without an error"):
        calibration_of_risk(np.array([0.1, 0.2, 0.3, 0.9]), np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        calibration_of_risk(p * 100, y)
    with pytest.raises(ValueError, match="one of each"):
        observed_over_expected(p, y[:-1])
    with pytest.raises(ValueError, match="no maximum"):
        logistic_fit(np.ones((50, 2)), y)
