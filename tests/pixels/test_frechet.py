import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics.fid import FIDMetric

from medlib.pixels.frechet import appearance, frechet_distance


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


def test_appearance_is_numpys_mean_spread_and_steps():
    x = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0)).double()
    got, y = appearance(x).numpy(), x.numpy()
    np.testing.assert_allclose(got[:, :3], y.mean((2, 3)))
    np.testing.assert_allclose(got[:, 3:6], y.std((2, 3)))
    steps = [np.abs(np.diff(y, axis=k)).mean((2, 3)) for k in (2, 3)]
    np.testing.assert_allclose(got[:, 6:], (steps[0] + steps[1]) / 2)


def test_a_picture_and_its_mirror_look_alike():
    """The danger: everything in the wrong place, and a perfect score."""
    x = torch.rand(8, 3, 6, 7, generator=torch.Generator().manual_seed(0)).double()
    assert frechet_distance(appearance(x), appearance(x.flip(3))) == pytest.approx(0, abs=1e-6)


def test_one_item_has_no_covariance():
    with pytest.raises(ValueError, match="two rows"):
        frechet_distance(torch.zeros(1, 2), torch.zeros(5, 2))
