"""Calibration: scikit-learn as the outsider, and laws."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve

from medlib.measures.calibration import (
    LogitLine,
    brier_score,
    calibration_error,
    fit_logit_line,
    log_loss,
    reliability,
)


def predictions(seed, n=300):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 2, n)
    return p, (rng.random(n) < p).astype(int)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), bins=st.integers(1, 30), ties=st.booleans())
def test_curve_and_scores_are_scikit_learns(seed, bins, ties):
    p, y = predictions(seed)
    p = p.round(1) if ties else p
    observed, predicted = calibration_curve(y, p, n_bins=bins, strategy="quantile")
    curve = reliability(p, y, bins=bins)
    np.testing.assert_allclose(curve.observed, observed)
    np.testing.assert_allclose(curve.predicted, predicted)
    assert curve.counts.sum() == 300
    assert ((curve.low <= curve.observed + 1e-12) & (curve.observed <= curve.high + 1e-12)).all()
    assert brier_score(p, y) == pytest.approx(sklearn.metrics.brier_score_loss(y, p))
    if not ties:
        assert np.ptp(curve.counts) <= 2
        assert log_loss(p, y) == pytest.approx(sklearn.metrics.log_loss(y, p), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_images_does_not_matter(seed):
    p, y = predictions(seed)
    order = np.random.default_rng(seed).permutation(300)
    for score in (calibration_error, brier_score, log_loss):
        assert score(p[order], y[order]) == pytest.approx(score(p, y))


def test_calibration_error_by_hand():
    p, y = predictions(0)
    order = np.argsort(p)
    parts = np.split(order, 10)
    by_hand = sum(len(b) / 300 * abs(p[b].mean() - y[b].mean()) for b in parts)
    assert calibration_error(p, y) == pytest.approx(by_hand)


def test_calibration_error_sees_a_wrong_prevalence_and_little_where_there_is_none():
    p, y = predictions(1, n=50_000)
    assert calibration_error(p, y) < 0.01
    assert calibration_error(expit(logit(p) + 2), y) > 0.15


def test_logit_line_finds_the_distortion_and_undoes_it():
    p, y = predictions(2, n=50_000)
    bent = LogitLine(slope=2.0, offset=0.7)(p)
    line = fit_logit_line(bent, y)
    assert line.slope == pytest.approx(0.5, abs=0.03)
    assert line.offset == pytest.approx(-0.35, abs=0.06)
    assert calibration_error(line(bent), y) < 0.01 < calibration_error(bent, y)
    np.testing.assert_allclose(LogitLine(slope=1.0, offset=0.0)(p), p, atol=1e-11)


def test_after_the_fit_as_many_are_promised_as_there_are():
    p, y = predictions(3)
    line = fit_logit_line(expit(3 * logit(p)), y)
    assert line(expit(3 * logit(p))).mean() == pytest.approx(y.mean(), abs=1e-4)


def test_certainty_that_is_wrong_costs_much_but_not_infinitely():
    assert log_loss(np.array([0.0]), np.array([1])) == pytest.approx(27.63, abs=0.01)


def test_errors_teach():
    with pytest.raises(ValueError, match=r"run from -0.1 to 0.5"):
        brier_score(np.array([-0.1, 0.5]), np.array([0, 1]))
    with pytest.raises(ValueError, match="one label an image"):
        log_loss(np.array([0.2, 0.5]), np.array([1]))
    with pytest.raises(ValueError, match="0 or 1"):
        brier_score(np.array([0.2, 0.5]), np.array([1, 2]))
    with pytest.raises(ValueError, match="bins=5: between 1 and the number of images, 2"):
        reliability(np.array([0.2, 0.5]), np.array([0, 1]), bins=5)
    with pytest.raises(ValueError, match="needs both classes"):
        fit_logit_line(np.array([0.2, 0.5]), np.array([1, 1]))
