"""Another case mix: the weights do what they say, the AUC moves as told, calibration stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from medlib.translation.validity.calibration_of_risk import calibration_of_risk
from medlib.translation.validity.case_mix import (
    case_mix_weights,
    draw_case_mix,
    effective_patients,
    expected_auc,
    weighted_auc,
)


def patients(n, *, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    p = expit(-0.5 + 1.5 * z)
    return z, p, (rng.random(n) < p).astype(int)


@given(st.integers(0, 10**6), st.integers(4, 30))
def test_the_weighted_area_is_scikit_learns(seed, n):
    rng = np.random.default_rng(seed)
    scores, weights = np.round(rng.normal(size=n), 1), rng.uniform(0.1, 3, size=n)
    labels = np.arange(n) % 2
    expected = roc_auc_score(labels, scores, sample_weight=weights)
    assert weighted_auc(scores, labels, weights) == pytest.approx(expected, abs=1e-12)
    assert weighted_auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 25))
def test_the_expected_area_is_its_pairs_one_by_one(seed, n):
    rng = np.random.default_rng(seed)
    p, w = np.round(rng.uniform(0.05, 0.95, size=n), 1), rng.uniform(0.1, 3, size=n)
    wins = pairs = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                pair = w[i] * w[j] * p[i] * (1 - p[j])
                pairs += pair
                wins += pair * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))
    assert expected_auc(p, w) == pytest.approx(wins / pairs, abs=1e-10)


@pytest.mark.parametrize(("mean", "sd"), [(0.7, 1.0), (0.0, 0.5), (-0.4, 1.2)])
def test_weights_give_the_mean_and_sd_asked_for(mean, sd):
    z = np.random.default_rng(0).normal(3, 7, size=200_000)
    w = case_mix_weights(z, mean=mean, sd=sd)
    standard = (z - z.mean()) / z.std()
    new = np.average(standard, weights=w)
    assert new == pytest.approx(mean, abs=0.03)
    assert np.sqrt(np.average((standard - new) ** 2, weights=w)) == pytest.approx(sd, abs=0.03)
    assert w.mean() == pytest.approx(1)


def test_the_area_moves_as_the_risks_told_and_calibration_stays():
    z, p, y = patients(60_000, seed=1)
    home = expected_auc(p)
    assert weighted_auc(p, y) == pytest.approx(home, abs=0.006)
    for sd, sign in ((0.5, -1), (1.3, 1)):
        w = case_mix_weights(z, sd=sd)
        told = expected_auc(p, w)
        assert sign * (told - home) > 0.03
        kept = draw_case_mix(w, rng=np.random.default_rng(2))
        assert weighted_auc(p[kept], y[kept]) == pytest.approx(told, abs=0.025)
        assert weighted_auc(p, y, w) == pytest.approx(told, abs=0.02)
        found = calibration_of_risk(p[kept], y[kept], level=0.999)
        assert found.slope.low < 1 < found.slope.high
        assert found.intercept.low < 0 < found.intercept.high


def test_to_choose_by_what_the_model_does_not_know_breaks_calibration():
    _, p, y = patients(20_000, seed=3)
    other = y + np.random.default_rng(4).normal(size=len(y))
    kept = draw_case_mix(case_mix_weights(other, mean=0.7), rng=np.random.default_rng(5))
    assert calibration_of_risk(p[kept], y[kept]).intercept.low > 0.2


def test_risks_that_are_too_sure_of_themselves_expect_too_much():
    _, p, y = patients(20_000, seed=6)
    boast = expit(3 * logit(p))
    assert weighted_auc(boast, y) == weighted_auc(p, y)
    assert expected_auc(boast) > weighted_auc(p, y) + 0.05


@given(st.integers(0, 10**6), st.floats(0.1, 50), st.floats(-5, 5))
def test_scale_and_shift_of_the_covariate_and_of_weights_change_nothing(seed, scale, shift):
    z, p, y = patients(30, seed=seed)
    y[:2] = 0, 1
    w = case_mix_weights(z, mean=0.5, sd=0.8)
    np.testing.assert_allclose(case_mix_weights(shift + scale * z, mean=0.5, sd=0.8), w, rtol=1e-6)
    assert weighted_auc(p, y, scale * w) == pytest.approx(weighted_auc(p, y, w), abs=1e-12)
    assert expected_auc(p, scale * w) == pytest.approx(expected_auc(p, w), abs=1e-9)
    assert 1 <= effective_patients(w) <= 30 + 1e-9
    assert effective_patients(np.ones(30)) == pytest.approx(30)


def test_errors_teach():
    z, p, y = patients(20, seed=7)
    with pytest.raises(ValueError, match="not the same for all"):
        case_mix_weights(np.ones(4))
    with pytest.raises(ValueError, match="above 0"):
        case_mix_weights(z, sd=0.0)
    with pytest.raises(ValueError, match="none below 0"):
        draw_case_mix(-np.ones(3), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="nobody is left"):
        effective_patients(np.zeros(3))
    with pytest.raises(ValueError, match="one a patient"):
        expected_auc(p, np.ones(3))
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        expected_auc(p * 100)
    with pytest.raises(ValueError, match="no pair to rank"):
        weighted_auc(p, np.zeros(20, dtype=int))
    with pytest.raises(ValueError, match="no pair to rank"):
        expected_auc(np.zeros(3))
    with pytest.raises(ValueError, match="0 or 1"):
        weighted_auc(p, y[:-1])
