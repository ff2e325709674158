import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.fid import FIDMetric

from medlib.measures.frechet import _by_covariances, _by_rows, frechet_distance


def cloud(n, d, seed, scale=1.0):
    own = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=own).double()
    return scale * torch.randn(n, d, generator=own).double() @ mix


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # scipy's, inside MONAI
@pytest.mark.parametrize("d", [2, 5, 9])
def test_it_is_monais_and_scipys(d):
    a, b = cloud(80, d, 0), cloud(60, d, 1, 1.5) + 0.3
    ours = frechet_distance(a, b)
    # MONAI adds 1e-6 to a singular product only; float64 throughout
    assert ours == pytest.approx(float(FIDMetric()(a, b)), rel=1e-4)
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    means = ((a.mean(0) - b.mean(0)) ** 2).sum()
    theirs = float(means) + np.trace(np.cov(a.T)) + np.trace(np.cov(b.T)) - 2 * np.trace(root)
    assert ours == pytest.approx(theirs, rel=1e-6)


@given(st.floats(-3, 3), st.floats(0.2, 4), st.integers(0, 50))
def test_in_one_dimension_it_is_the_textbook_formula(offset, scale, seed):
    x = torch.randn(50, 1, generator=torch.Generator().manual_seed(seed)).double()
    x = (x - x.mean()) / x.std()
    expected = offset**2 + (scale - 1) ** 2
    assert frechet_distance(x, scale * x + offset) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 50))
def test_it_is_symmetric_zero_on_itself_and_blind_to_order(seed):
    a, b = cloud(30, 4, seed), cloud(30, 4, seed + 1)
    size = frechet_distance(a, b)
    assert frechet_distance(b, a) == pytest.approx(size)
    assert frechet_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-5 * float(a.var(0).sum()))


def test_it_holds_when_there_are_more_features_than_items():
    a = cloud(4, 9, 0)
    assert frechet_distance(a, a + 1) == pytest.approx(9, rel=1e-5)


def sets(seed, n=60, channels=4):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(channels, channels))
    return rng.normal(size=(n, channels)), rng.normal(size=(n + 7, channels)) @ mix + 1


def test_arrays_equal_the_formula_through_scipys_matrix_square_root():
    x, y = sets(0)
    s1, s2 = np.cov(x.T), np.cov(y.T)
    root = scipy.linalg.sqrtm(s1)
    cross = np.trace(scipy.linalg.sqrtm(root @ s2 @ root)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * cross
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 4))
def test_arrays_are_symmetric_zero_on_itself_and_known_under_shift_and_scale(seed, shift, scale):
    x, y = sets(seed)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    moved = frechet_distance(x, x + shift)
    assert moved == pytest.approx(4 * shift**2, rel=1e-6, abs=1e-9)
    stretched = frechet_distance(x - x.mean(0), scale * (x - x.mean(0)))
    assert stretched == pytest.approx((1 - scale) ** 2 * np.trace(np.cov(x.T)), rel=1e-6, abs=1e-9)


def test_works_on_arrays_with_fewer_rows_than_channels():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(10, 200))
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(x, x + 1) == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize("rows", [8, 9, 10])
def test_both_ways_to_the_trace_agree_where_they_meet(rows):
    """Below as many rows as features the small matrix is rows by rows, above it is features'."""
    a, b = cloud(rows, 9, 2), cloud(12, 9, 3) + 1
    assert _by_rows(a, b) == pytest.approx(_by_covariances(a, b), rel=1e-6)
    assert frechet_distance(a, b) == (_by_rows if rows < 9 else _by_covariances)(a, b)


def test_errors_teach():
    with pytest.raises(ValueError, match=r"shapes \(5, 2\) and \(5, 3\)"):
        frechet_distance(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match="at least 2 rows"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))
