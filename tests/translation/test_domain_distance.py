"""Fréchet distance: a law of distances, and SciPy's matrix square root as the outsider."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from medlib.translation.domain_distance import frechet_distance


def sets(seed, n=60, channels=4):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(channels, channels))
    return rng.normal(size=(n, channels)), rng.normal(size=(n + 7, channels)) @ mix + 1


def test_equals_the_formula_through_scipys_matrix_square_root():
    x, y = sets(0)
    s1, s2 = np.cov(x.T), np.cov(y.T)
    root = sqrtm(s1)
    cross = np.trace(sqrtm(root @ s2 @ root)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * cross
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 4))
def test_symmetric_zero_on_itself_and_known_under_shift_and_scale(seed, shift, scale):
    x, y = sets(seed)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    moved = frechet_distance(x, x + shift)
    assert moved == pytest.approx(4 * shift**2, rel=1e-6, abs=1e-9)
    stretched = frechet_distance(x - x.mean(0), scale * (x - x.mean(0)))
    assert stretched == pytest.approx((1 - scale) ** 2 * np.trace(np.cov(x.T)), rel=1e-6, abs=1e-9)


def test_works_with_fewer_rows_than_channels():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(10, 200))
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(x, x + 1) == pytest.approx(200, rel=1e-6)


def test_errors_teach():
    with pytest.raises(ValueError, match=r"shapes \(5, 2\) and \(5, 3\)"):
        frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least 2 rows"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))
