"""The smooth calibration curve: statsmodels' spline and band, planted curves, coverage."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from medlib.translation.validity.calibration_curve import (
    calibration_curve,
    restricted_cubic_spline,
)


def patients(n, *, seed, truth=lambda p: p):
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-0.5, 1.0, size=n))
    return p, (rng.random(n) < truth(p)).astype(int)


@pytest.mark.parametrize("knots", [3, 4, 5])
def test_curve_and_band_are_those_of_patsys_spline_in_statsmodels(knots):
    """A natural cubic spline of the same knots spans the same space, in another basis."""
    p, y = patients(400, seed=0)
    line, at = logit(p), np.linspace(0.1, 0.8, 9)
    found = calibration_curve(p, y, at=at, knots=knots)
    quantiles = {3: (10, 50, 90), 4: (5, 35, 65, 95), 5: (5, 27.5, 50, 72.5, 95)}[knots]
    places = np.percentile(line, quantiles)

    def cubics(x):  # truncated powers, and the two conditions beyond the outer knots imposed
        d = [
            (np.clip(x - k, 0, None) ** 3 - np.clip(x - places[-1], 0, None) ** 3)
            / (places[-1] - k)
            for k in places[:-1]
        ]
        return np.column_stack([np.ones(len(x)), x, *(one - d[-1] for one in d[:-1])])

    fit = sm.GLM(y, cubics(line), family=sm.families.Binomial()).fit(tol=1e-12)
    theirs = fit.get_prediction(cubics(logit(at))).summary_frame(alpha=0.05)
    np.testing.assert_allclose(found.observed, theirs["mean"], atol=1e-8)
    np.testing.assert_allclose(found.low, theirs["mean_ci_lower"], atol=1e-7)
    np.testing.assert_allclose(found.high, theirs["mean_ci_upper"], atol=1e-7)
    distance = np.abs(p - fit.fittedvalues)
    assert found.ici == pytest.approx(distance.mean(), abs=1e-8)
    assert (found.e50, found.e90) == pytest.approx(tuple(np.percentile(distance, [50, 90])))


@given(st.integers(0, 10**6), st.floats(0.1, 5), st.floats(-3, 3))
def test_a_spline_is_straight_beyond_its_outer_knots_and_smooth_at_all(seed, scale, shift):
    knots = np.sort(np.random.default_rng(seed).uniform(size=4)) * scale + np.arange(4) + shift
    outside = np.concatenate([knots[0] - [3.0, 2.0, 1.0], knots[-1] + [1.0, 2.0, 3.0]])
    columns = restricted_cubic_spline(outside, knots=knots)
    bend = np.diff(columns.reshape(2, 3, -1), n=2, axis=1)
    np.testing.assert_allclose(bend, 0, atol=1e-7 * max(1, np.abs(columns).max()))
    h = 1e-4
    for knot in knots:
        near = restricted_cubic_spline(knot + h * np.arange(-2.0, 3), knots=knots)
        second = np.diff(near, n=2, axis=0) / h**2
        np.testing.assert_allclose(second[0], second[2], atol=0.05)


def test_calibrated_risks_stay_on_the_diagonal_and_bent_ones_do_not():
    at, inside = np.array([0.15, 0.4, 0.7]), []
    for seed in range(150):
        found = calibration_curve(*patients(300, seed=seed), at=at)
        inside.append((found.low <= at) & (at <= found.high))
    np.testing.assert_allclose(np.mean(inside, axis=0), 0.95, atol=0.06)
    p, y = patients(20_000, seed=1, truth=lambda p: 0.2 + 0.5 * np.sin(3 * p) ** 2)
    bent = calibration_curve(p, y, at=at, knots=5)
    np.testing.assert_allclose(bent.observed, 0.2 + 0.5 * np.sin(3 * at) ** 2, atol=0.04)
    straight = calibration_curve(*patients(20_000, seed=2))
    assert bent.ici > 5 * straight.ici
    assert len(straight.told) == 101
    assert straight.told[0] == patients(20_000, seed=2)[0].min()


def test_errors_teach():
    p, y = patients(60, seed=3)
    with pytest.raises(ValueError, match="3, 4 or 5"):
        calibration_curve(p, y, knots=6)
    with pytest.raises(ValueError, match="each above the one before"):
        calibration_curve(np.full(60, 0.3), y)
    with pytest.raises(ValueError, match="no maximum"):
        calibration_curve(p, (p > 0.4).astype(int))
