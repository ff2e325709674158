"""Both estimates are what they are said to be: unbiased, with this variance, blurred if asked."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medlib.diagnosis.fusion.two_estimates import Truth, _blurred


def truth(n=200, size=16, theta=0.5):
    uptake = torch.full((n, size, size), 0.25)
    uptake[:, :, size // 2 :] = 1.0
    maps = torch.zeros(n, size, size)
    maps[:, : size // 2] = theta
    return Truth(maps, uptake, uptake[:, None], uptake > 0)


def measured(counts, seed=0, **options):
    one = truth()
    dose = torch.full((len(one),), counts)
    return one, one.measure(dose, generator=torch.Generator().manual_seed(seed), **options)


def test_without_blur_both_are_unbiased():
    one, seen = measured(20.0)
    for each in (seen.mri, seen.pet):
        assert (each - one.theta).mean().item() == pytest.approx(0, abs=0.005)


def test_variances_are_as_said():
    one, seen = measured(20.0)
    assert (seen.mri - one.theta).std().item() == pytest.approx(0.15, rel=0.02)
    standard = (seen.pet - one.theta) / seen.variance.sqrt()
    assert standard.var().item() == pytest.approx(1.0, abs=0.03)
    torch.testing.assert_close(seen.variance, (one.uptake + one.theta) / 20.0)


def test_ten_times_the_dose_is_a_tenth_of_the_variance():
    low, high = (measured(c)[1].variance for c in (5.0, 50.0))
    torch.testing.assert_close(low, 10 * high)


def test_blur_is_scipys():
    maps = torch.rand(2, 24, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = gaussian_filter(maps.numpy(), (0, 1.3, 1.3), mode="nearest", truncate=4.0)
    np.testing.assert_allclose(_blurred(maps, 1.3).numpy(), theirs, atol=1e-12)


def test_blur_makes_pet_biased_where_the_map_changes():
    one, seen = measured(5000.0, blur_sd=1.3)
    bias = (seen.pet - one.theta).mean(dim=0)
    assert bias[7].mean().item() < -0.1
    assert bias[8].mean().item() > 0.1
    assert bias[0].mean().item() == pytest.approx(0, abs=0.01)


def test_some_are_those_with_the_numbers():
    one = truth(5)
    assert len(one.some(torch.tensor([1, 3]))) == 2


@pytest.mark.parametrize("counts", [torch.ones(3), torch.zeros(200)])
def test_a_dose_for_each_map_is_needed(counts):
    with pytest.raises(ValueError, match="counts"):
        truth().measure(counts, generator=torch.Generator())
