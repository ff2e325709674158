"""CKA against its definition: sums over four different images, matrices, and its invariances."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from medlib.translation.seeing.cka import linear_cka, unbiased_hsic


def test_unbiased_hsic_is_a_mean_over_four_different_images():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    k, other = x @ x.T, y @ y.T
    terms = [
        k[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q])
        for i, j, q, r in permutations(range(7), 4)
    ]
    assert unbiased_hsic(k, other) == pytest.approx(np.mean(terms), rel=1e-12)


def test_unbiased_hsic_is_the_published_formula():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, 4)) + 3, rng.normal(size=(12, 6)) - 1
    n, one = 12, np.ones(12)
    k, other = x @ x.T, y @ y.T
    kt, lt = k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
    expected = (
        np.trace(kt @ lt)
        + (one @ kt @ one) * (one @ lt @ one) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (one @ kt @ lt @ one)
    ) / (n * (n - 3))
    assert unbiased_hsic(k, other) == pytest.approx(expected, rel=1e-12)


def test_biased_cka_is_the_ratio_of_centred_traces():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 8))
    centre = np.eye(20) - np.ones((20, 20)) / 20

    def hsic(k, other):
        return np.trace(k @ centre @ other @ centre) / 19**2

    k, other = x @ x.T, y @ y.T
    expected = hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))
    assert linear_cka(x, y, debiased=False) == pytest.approx(expected, rel=1e-10)
    x, y = x - x.mean(0), y - y.mean(0)
    feature_form = np.linalg.norm(x.T @ y) ** 2
    feature_form /= np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    assert linear_cka(x, y, debiased=False) == pytest.approx(feature_form, rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100.0), st.booleans())
def test_rotation_scale_and_shift_change_nothing(seed, scale, debiased):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(25, 6)), rng.normal(size=(25, 4)) ** 3
    q = ortho_group.rvs(6, random_state=rng)
    expected = linear_cka(x, y, debiased=debiased)
    assert linear_cka(-scale * x @ q + 5, y, debiased=debiased) == pytest.approx(expected, abs=1e-8)
    assert linear_cka(y, x, debiased=debiased) == pytest.approx(expected, abs=1e-10)
    assert linear_cka(x, scale * x @ q, debiased=debiased) == pytest.approx(1.0, abs=1e-8)
    order = rng.permutation(25)
    assert linear_cka(x[order], y[order], debiased=debiased) == pytest.approx(expected, abs=1e-8)


def test_scaling_one_channel_does_change_it():
    x = np.random.default_rng(3).normal(size=(40, 6))
    assert linear_cka(x, x * [10, 1, 1, 1, 1, 1]) < 0.9


def test_unrelated_features_give_zero_on_average_only_without_bias():
    rng = np.random.default_rng(4)
    pairs = rng.normal(size=(200, 2, 20, 50))
    debiased = [linear_cka(x, y) for x, y in pairs]
    assert abs(np.mean(debiased)) < 4 * np.std(debiased) / np.sqrt(200)
    assert np.mean([linear_cka(x, y, debiased=False) for x, y in pairs]) > 0.5


def test_what_cannot_be_compared_is_refused():
    x = np.random.default_rng(5).normal(size=(6, 3))
    with pytest.raises(ValueError, match="same n rows"):
        linear_cka(x, x[:5])
    with pytest.raises(ValueError, match="at least 4"):
        linear_cka(x[:3], x[:3])
    with pytest.raises(ValueError, match="features y are equal"):
        linear_cka(x, np.ones((6, 3)))
    with pytest.raises(ValueError, match="at least 4"):
        unbiased_hsic(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"expected \(n, n\)"):
        unbiased_hsic(np.eye(5), np.eye(6))
