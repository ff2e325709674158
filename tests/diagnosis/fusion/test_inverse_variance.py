"""No other weights with sum one do better; the special case is special."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.fusion.inverse_variance import (
    inverse_variance_weights,
    least_error_weights,
    weighted_error,
)

VARIANCES = st.lists(st.floats(0.01, 100), min_size=2, max_size=5).map(np.array)


def drawn_moments(seed, n=3):
    root = np.random.default_rng(seed).normal(size=(n, n + 2))
    return root @ root.T + 0.1 * np.eye(n)


@given(VARIANCES, st.integers(0, 10**6))
def test_no_other_weights_have_less_variance(variances, seed):
    best = inverse_variance_weights(variances)
    assert best.sum() == pytest.approx(1)
    aside = np.random.default_rng(seed).normal(size=len(variances))
    other = best + aside - aside.mean()
    least = weighted_error(best, np.diag(variances))
    assert least == pytest.approx(1 / (1 / variances).sum())
    assert weighted_error(other, np.diag(variances)) >= least * (1 - 1e-9)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_other_weights_have_less_error(seed, other_seed):
    moments = drawn_moments(seed)
    best = least_error_weights(moments)
    aside = np.random.default_rng(other_seed).normal(size=3)
    other = best + aside - aside.mean()
    assert weighted_error(other, moments) >= weighted_error(best, moments) * (1 - 1e-9)


@given(VARIANCES)
def test_independent_unbiased_estimates_are_the_special_case(variances):
    np.testing.assert_allclose(
        least_error_weights(np.diag(variances)), inverse_variance_weights(variances), rtol=1e-9
    )


@given(VARIANCES, st.floats(0.01, 100))
def test_only_ratios_of_variances_matter(variances, scale):
    np.testing.assert_allclose(
        inverse_variance_weights(scale * variances), inverse_variance_weights(variances), rtol=1e-9
    )


def test_two_estimates_by_hand_with_a_bias():
    # variances 4 and 1, and a bias of 2 in the second: its error is 1 + 4
    moments = np.diag([4.0, 1.0]) + np.outer([0.0, 2.0], [0.0, 2.0])
    np.testing.assert_allclose(least_error_weights(moments), [5 / 9, 4 / 9])


def test_against_drawn_errors():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(2, 200_000)) * np.array([[2.0], [1.0]])
    weights = inverse_variance_weights(errors.var(axis=1))
    np.testing.assert_allclose(weights, [0.2, 0.8], atol=0.01)
    assert (weights @ errors).var() == pytest.approx(0.8, rel=0.02)


def test_every_place_has_weights_of_its_own():
    variances = np.array([[1.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(inverse_variance_weights(variances), [[0.5, 0.2], [0.5, 0.8]])


@pytest.mark.parametrize("bad", [[1.0], [1.0, 0.0], [1.0, np.inf], [1.0, -2.0]])
def test_what_is_no_variance_is_refused(bad):
    with pytest.raises(ValueError, match="variances"):
        inverse_variance_weights(np.array(bad))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.ones((2, 3)), "square"),
        (np.array([[1.0, 0.5], [0.1, 1.0]]), "symmetric"),
        (np.ones((2, 2)), "positive definite"),
    ],
)
def test_what_are_no_moments_is_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        least_error_weights(bad)


def test_weights_without_sum_one_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        weighted_error(np.array([0.5, 0.6]), np.eye(2))
