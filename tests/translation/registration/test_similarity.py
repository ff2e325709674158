"""Similarity: NumPy's correlation, MONAI's local one, and what each forgives."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.similarity import (
    LOSSES,
    correlation,
    local_correlation,
    local_correlation_map,
    squared_error,
)
from tests.translation.registration.fields import noise

PAIR = noise(2, 1, 14, 15), noise(2, 1, 14, 15, seed=1)


def test_values_are_numpys():
    a, b = (x.flatten(1).numpy() for x in PAIR)
    by_hand = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(correlation(*PAIR), by_hand, atol=1e-5)
    np.testing.assert_allclose(squared_error(*PAIR), ((a - b) ** 2).mean(axis=1))


@pytest.mark.parametrize("grid", [(14, 15), (9, 8, 10)])
@pytest.mark.parametrize("window", [3, 5])
def test_windows_are_cut_at_the_edge_and_nowhere_else(grid, window):
    a, b = noise(1, 1, *grid), noise(1, 1, *grid, seed=1)
    ours = local_correlation_map(a, b, window_voxels=window, least_variance=0.0)[0, 0]
    for at in ([0] * len(grid), [n // 2 for n in grid], [n - 1 for n in grid]):
        box = tuple(slice(max(0, i - window // 2), i + window // 2 + 1) for i in at)
        r = np.corrcoef(a[0, 0][box].flatten(), b[0, 0][box].flatten())[0, 1]
        assert float(ours[tuple(at)]) == pytest.approx(r**2, abs=1e-9)


def test_away_from_the_edge_it_is_monais():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.losses import LocalNormalizedCrossCorrelationLoss

        theirs = LocalNormalizedCrossCorrelationLoss(
            spatial_dims=2, kernel_size=5, reduction="none"
        )
    ours = local_correlation_map(*PAIR, window_voxels=5)
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(ours[inner], -theirs(*PAIR)[inner], rtol=0, atol=1e-3)


@settings(max_examples=20)
@given(st.floats(0.2, 5.0), st.floats(-3.0, 3.0))
def test_correlations_forgive_scale_and_offset_and_squares_do_not(scale, offset):
    a, b = PAIR
    moved = scale * a + offset
    torch.testing.assert_close(correlation(moved, b), correlation(a, b), rtol=0, atol=1e-4)
    for name, loss in LOSSES.items():
        itself = loss(moved, a)
        assert (itself > -1e-6).all()
        if name != "squared error":
            assert float(itself.max()) < 0.02


def test_only_the_local_one_forgives_a_bias_field():
    a, _ = PAIR
    ramp = torch.linspace(0.2, 3.0, 15).double()
    assert float(local_correlation(a, a * ramp, window_voxels=3).min()) > 0.85
    assert float(correlation(a, a * ramp).max()) < 0.8


def test_flat_images_give_numbers_and_gradients():
    flat = torch.full((1, 1, 12, 12), 1e3, requires_grad=True)
    for loss in LOSSES.values():
        (grad,) = torch.autograd.grad(loss(flat, torch.zeros(1, 1, 12, 12)).sum(), flat)
        assert grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_differences(name):
    a, b = noise(1, 1, 5, 6).requires_grad_(), noise(1, 1, 5, 6, seed=1)
    assert torch.autograd.gradcheck(lambda a: LOSSES[name](a, b), (a,))


def test_what_does_not_fit_is_refused():
    a, b = PAIR
    for window in (4, 1):
        with pytest.raises(ValueError, match="an odd number"):
            local_correlation(a, b, window_voxels=window)
    with pytest.raises((ValueError, TypeError), match=r"images of|other"):
        squared_error(a, b[..., 1:])
    with pytest.raises((ValueError, TypeError), match=r"local correlation is of one|image"):
        local_correlation_map(noise(1, 2, 8, 8), noise(1, 2, 8, 8))
