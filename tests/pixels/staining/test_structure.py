import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from medlib.pixels.staining.structure import structure_correlation


def maps(seed, n=3):
    return torch.rand(n, 7, 9, generator=torch.Generator().manual_seed(seed)).double()


def test_it_is_scipys_pearson_image_by_image():
    a, b = maps(0), maps(1)
    theirs = [pearsonr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(structure_correlation(a, truth=b), theirs, atol=1e-12)


@given(st.floats(0.1, 10), st.floats(-10, 10), st.integers(0, 99))
def test_contrast_and_brightness_change_nothing_and_inversion_the_sign(gain, offset, seed):
    a, b = maps(seed), maps(seed + 1)
    r = structure_correlation(a, truth=b)
    torch.testing.assert_close(structure_correlation(gain * a + offset, truth=b), r)
    torch.testing.assert_close(structure_correlation(-gain * a, truth=b), -r)
    torch.testing.assert_close(structure_correlation(b, truth=a), r)


def test_a_flat_map_has_no_structure():
    flat = torch.full((3, 7, 9), 0.3).double()
    assert not structure_correlation(flat, truth=maps(0)).any()


def test_shapes_must_agree():
    with pytest.raises((ValueError, TypeError)):
        structure_correlation(maps(0), truth=maps(0)[:, :5])
