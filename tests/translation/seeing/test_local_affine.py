"""The windowed line against a least-squares fit of each window; real anatomy changes its sign."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from medlib.translation.seeing.local_affine import local_affine


def test_each_window_is_a_regression():
    rng = np.random.default_rng(0)
    x = 1000 + 20 * rng.normal(size=(15, 12))
    y = 0.01 * x + rng.normal(size=x.shape)
    fit = local_affine(x, y, window_px=5)
    for row, column in ((2, 2), (7, 5), (12, 9)):
        part = (slice(row - 2, row + 3), slice(column - 2, column + 3))
        line = linregress(x[part].ravel(), y[part].ravel())
        assert fit.slope[row, column] == pytest.approx(line.slope, rel=1e-8)
        assert fit.offset[row, column] == pytest.approx(line.intercept, rel=1e-8)
        assert fit.r2[row, column] == pytest.approx(line.rvalue**2, rel=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.sampled_from([-1, 1]), st.floats(-9, 9))
def test_an_affine_copy_is_found_everywhere(seed, size, sign, shift):
    x = np.random.default_rng(seed).normal(size=(11, 13))
    fit = local_affine(x, sign * size * x + shift, window_px=3)
    np.testing.assert_allclose(fit.slope, sign * size, rtol=1e-6)
    np.testing.assert_allclose(fit.offset, shift, atol=1e-6 * (1 + size))
    np.testing.assert_allclose(fit.r2, 1, rtol=1e-6)


def test_where_nothing_varies_nothing_is_explained():
    x = np.zeros((9, 9))
    x[:, 6:] = np.random.default_rng(1).normal(size=(9, 3))
    fit = local_affine(x, 2 * x, window_px=3)
    assert fit.r2[4, 2] == fit.slope[4, 2] == 0
    assert fit.r2[4, 7] == pytest.approx(1)
    with pytest.raises(ValueError, match="odd number"):
        local_affine(x, x, window_px=4)
    with pytest.raises(ValueError, match="expected equal ones"):
        local_affine(x, x[:5], window_px=3)
