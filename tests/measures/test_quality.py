import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.measures.quality import psnr_db, window_psnr_db


@given(st.floats(0.01, 100), st.integers(0, 2**31))
def test_psnr_is_its_formula(scale, seed):
    x, y = scale * torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)).double()
    error = (x - y).square().mean((1, 2)).numpy()
    expected = 10 * np.log10(scale**2 / error)
    np.testing.assert_allclose(psnr_db(x, truth=y, data_range=scale), expected, rtol=1e-9)


def test_shapes_and_ranges_are_checked():
    x = torch.zeros(1, 8, 8)
    with pytest.raises(ValueError, match="both must be"):
        psnr_db(x, truth=x[0], data_range=1)
    with pytest.raises(ValueError, match="data_range"):
        psnr_db(x, truth=x, data_range=0)


@given(st.floats(-100, 0), st.floats(1, 100), st.integers(0, 2**31))
def test_what_lies_outside_the_window_does_not_count(low, high, seed):
    g = torch.Generator().manual_seed(seed)
    x, y = (300 * torch.rand(2, 2, 8, 8, generator=g) - 150).double()
    one = window_psnr_db(x, truth=y, window=(low, high))
    other = window_psnr_db(torch.where(x > high, x + 1000, x), truth=y, window=(low, high))
    np.testing.assert_array_equal(one, other)
