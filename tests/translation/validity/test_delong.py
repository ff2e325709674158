"""DeLong's covariance: pair by pair, the project's own plain form, and published patients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medlib.measures.auc import auc_difference, auc_of
from medlib.translation.validity.delong import delong

# Albumin, total protein, K-G score, benefit from surgery; 43 patients with all three tests of the
# 49 with ovarian cancer in DeLong, DeLong and Clarke-Pearson (1988).
READ = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0
1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1
4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1
3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1
3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1
3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1
3.6 6.6 5 1
"""
PATIENTS = np.array([float(x) for x in READ.split()]).reshape(-1, 4)
OVARIAN = np.stack([PATIENTS[:, 0], PATIENTS[:, 1], 10 - PATIENTS[:, 2]])
BENEFIT = PATIENTS[:, 3].astype(int)


def pair_by_pair(scores, labels):
    """The paper's own formula: a kernel on all pairs, in plain loops."""
    x, y = scores[:, labels == 1], scores[:, labels == 0]
    kernel = (x[:, :, None] > y[:, None, :]) + 0.5 * (x[:, :, None] == y[:, None, :])
    of_present, of_absent = kernel.mean(axis=2), kernel.mean(axis=1)
    return kernel.mean(axis=(1, 2)), np.cov(of_present) / x.shape[1] + np.cov(of_absent) / y.shape[
        1
    ]


@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 30), st.integers(1, 4))
def test_midranks_are_pairs(seed, m, n, grain):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1], [n, m]))
    scores = np.round(rng.normal(size=(3, m + n)) * grain)  # ties in plenty
    found = delong(scores, labels)
    values, covariance = pair_by_pair(scores, labels)
    np.testing.assert_allclose(found.values, values, atol=1e-14)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-14)
    np.testing.assert_allclose(found.values, [roc_auc_score(labels, s) for s in scores], atol=1e-12)


def test_published_patients_by_three_ways():
    """SAS/STAT's LOGISTIC prints for them: K-G .7258 (.1028), protein .6478 (.1000), p .2817."""
    found = delong(OVARIAN, BENEFIT)
    np.testing.assert_allclose(found.values[1:], [0.6478, 0.7258], atol=5.1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance))[1:], [0.1, 0.1028], atol=5.1e-5)
    assert found.all_equal_p() == pytest.approx(0.2817, abs=5.1e-5)
    values, covariance = pair_by_pair(OVARIAN, BENEFIT)
    np.testing.assert_allclose(found.values, values, atol=1e-15)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-15)
    alone = auc_of(OVARIAN[2], BENEFIT)
    assert np.sqrt(found.covariance[2, 2]) == pytest.approx(alone.standard_error, abs=1e-14)


def test_a_contrast_is_the_paired_difference():
    there, absent = OVARIAN[:, BENEFIT == 1], OVARIAN[:, BENEFIT == 0]
    plain = auc_difference((there[0], absent[0]), (there[2], absent[2]))
    found = delong(OVARIAN, BENEFIT).contrast(np.array([1, 0, -1]))
    assert found.estimate.value == pytest.approx(plain.value, abs=1e-14)
    assert found.standard_error == pytest.approx(plain.standard_error, abs=1e-14)
    assert found.estimate.interval == pytest.approx(plain.interval, abs=1e-12)


@given(st.integers(0, 10**6))
def test_any_monotone_map_changes_nothing_and_a_reversal_turns_it(seed):
    rng = np.random.default_rng(seed)
    labels, scores = np.repeat([0, 1], 12), rng.normal(size=(2, 24))
    one, bent = delong(scores, labels), delong(np.exp(3 * scores), labels)
    np.testing.assert_array_equal(one.values, bent.values)
    np.testing.assert_array_equal(one.covariance, bent.covariance)
    np.testing.assert_allclose(delong(-scores, labels).values, 1 - one.values, atol=1e-12)
    same = delong(np.stack([scores[0], 7 * scores[0]]), labels)
    assert same.contrast(np.array([1, -1])).p_value == 1
    assert same.all_equal_p() == 1


def test_false_alarms_come_at_the_level_and_two_scores_need_no_chi_square():
    rng, alarms = np.random.default_rng(0), []
    labels = np.repeat([0, 1], 60)
    for _ in range(400):
        shared = labels + rng.normal(size=120)
        found = delong(shared + rng.normal(size=(3, 120)), labels)
        alarms.append(found.all_equal_p() < 0.05)
    assert np.mean(alarms) == pytest.approx(0.05, abs=0.035)
    two = delong(OVARIAN[:2], BENEFIT)
    assert two.all_equal_p() == pytest.approx(two.contrast(np.array([1, -1])).p_value, rel=1e-9)


def test_the_logit_interval_stays_inside_and_covers():
    from scipy.stats import norm

    rng, truth, inside = np.random.default_rng(1), norm.cdf(2.2 / np.sqrt(2)), []
    labels = np.repeat([0, 1], [40, 25])
    for _ in range(500):
        one = delong((2.2 * labels + rng.normal(size=65))[None], labels)
        if one.values[0] < 1:
            found = one.area(0)
            inside.append(found.low <= truth <= found.high)
            assert 0 < found.low < found.high < 1
    assert np.mean(inside) > 0.92


def test_errors_teach():
    with pytest.raises(ValueError, match="one of 0 or 1"):
        delong(OVARIAN, BENEFIT + 1)
    with pytest.raises(ValueError, match="two or more"):
        delong(np.ones((1, 3)), np.array([0, 1, 1]))
    with pytest.raises(ValueError, match="no rank"):
        delong(np.full((1, 4), np.nan), np.array([0, 1, 1, 0]))
    with pytest.raises(ValueError, match="one an area"):
        delong(OVARIAN, BENEFIT).contrast(np.array([1, -1]))
    with pytest.raises(ValueError, match="out of order"):
        delong(np.arange(4.0)[None], np.array([0, 0, 1, 1])).area(0)
