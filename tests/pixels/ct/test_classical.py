import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter as scipy_gaussian

from medlib.pixels.ct.classical import gaussian_filter, nonlocal_means, total_variation, tune

FILTERS = (gaussian_filter, total_variation, nonlocal_means)


@pytest.fixture
def noisy():
    truth = torch.zeros(3, 32, 32)
    truth[:, 8:24, 8:24] = 100
    noise = 20 * torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    return truth + noise, truth


def test_gaussian_agrees_with_scipy(noisy):
    ours = gaussian_filter(noisy[0], strength=1.3)[1]
    theirs = scipy_gaussian(noisy[0][1].double().numpy(), 1.3, mode="nearest")
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize(
    ("filter_", "strength"), list(zip(FILTERS, (1.0, 20.0, 30.0), strict=True))
)
def test_each_filter_removes_noise_and_keeps_the_mean(filter_, strength, noisy):
    images, truth = noisy
    cleaned = filter_(images, strength=strength)
    assert (cleaned - truth).square().mean() < 0.6 * (images - truth).square().mean()
    assert float((cleaned - images).mean()) == pytest.approx(0, abs=2)
    assert cleaned.shape == images.shape
    assert cleaned.dtype == images.dtype


@given(st.floats(-500, 500))
def test_total_variation_leaves_a_constant_alone(value):
    flat = torch.full((1, 12, 12), value)
    torch.testing.assert_close(total_variation(flat, strength=5.0), flat)


def test_tuning_finds_the_least_error_of_the_grid(noisy):
    images, truth = noisy
    found = tune(total_variation, images, truth=truth, grid=[1, 20, 2000])
    assert found.strength == 20
    assert found.errors[1] == min(found.errors)
    assert not found.at_edge
    assert tune(total_variation, images, truth=truth, grid=[0.1, 1]).at_edge


def test_permuting_patients_changes_nothing(noisy):
    images, truth = noisy
    order = [2, 0, 1]
    first = tune(gaussian_filter, images, truth=truth, grid=[0.5, 1, 2])
    second = tune(gaussian_filter, images[order], truth=truth[order], grid=[0.5, 1, 2])
    assert first.strength == second.strength
    np.testing.assert_allclose(first.errors, second.errors, rtol=1e-6)


def test_bad_grids_are_refused(noisy):
    for grid in ([], [2, 1]):
        with pytest.raises(ValueError, match="ascending"):
            tune(gaussian_filter, noisy[0], truth=noisy[1], grid=grid)
