"""A mean over quadruples, unbiased at the null; it sees what covariance cannot."""

import itertools

import numpy as np
import pytest
import torch

from medlib.translation.radiogenomics.kernel_dependence import gaussian_kernel, unbiased_hsic
from medlib.translation.radiogenomics.linear_dependence import mean_squared_correlation


def test_it_is_the_mean_over_all_quadruples():
    """Song et al.'s h(i, j, q, r), written out: a slow second way to the same number."""
    rng = np.random.default_rng(0)
    a, b = (torch.from_numpy(rng.normal(size=(7, 2))) for _ in range(2))
    k, other = (gaussian_kernel(x, width=1.0).numpy() for x in (a, b))
    total, count = 0.0, 0
    for i, j, q, r in itertools.permutations(range(7), 4):
        total += k[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q])
        count += 1
    found = unbiased_hsic(torch.from_numpy(k), torch.from_numpy(other)).item()
    assert found == pytest.approx(total / count, abs=1e-12)


def test_at_the_null_its_mean_is_zero_at_small_n_too():
    rng = np.random.default_rng(1)
    values = []
    for _ in range(400):
        a, s = (
            torch.from_numpy(rng.normal(size=(12, 1))),
            torch.from_numpy(rng.normal(size=(12, 1))),
        )
        values.append(unbiased_hsic(*(gaussian_kernel(x, width=1.0) for x in (a, s))).item())
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_a_spread_that_differs_is_seen():
    rng = np.random.default_rng(2)
    site = torch.arange(400) % 2
    wide = torch.from_numpy(rng.normal(size=(400, 1))) * (1 + 4 * site[:, None])
    places = gaussian_kernel(site.double()[:, None], width=1.0)
    seen = unbiased_hsic(gaussian_kernel(wide), places).item()
    shuffled = [
        unbiased_hsic(gaussian_kernel(wide[torch.from_numpy(rng.permutation(400))]), places).item()
        for _ in range(20)
    ]
    assert seen > 5 * max(np.abs(shuffled))
    assert mean_squared_correlation(wide, site).item() < 0.02


def test_permuting_patients_changes_nothing_and_it_has_a_gradient():
    rng = np.random.default_rng(3)
    a, s = torch.from_numpy(rng.normal(size=(20, 2))), torch.from_numpy(rng.normal(size=(20, 1)))
    a.requires_grad_()
    value = unbiased_hsic(gaussian_kernel(a), gaussian_kernel(s))
    order = torch.from_numpy(rng.permutation(20))
    again = unbiased_hsic(gaussian_kernel(a[order]), gaussian_kernel(s[order]))
    assert value.item() == pytest.approx(again.item(), abs=1e-12)
    value.backward()
    assert torch.isfinite(a.grad).all()
    assert a.grad.abs().max() > 0


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="four patients"):
        unbiased_hsic(torch.zeros(3, 3), torch.zeros(3, 3))
    with pytest.raises(ValueError, match="one row a patient"):
        gaussian_kernel(torch.zeros(5))
    with pytest.raises(ValueError, match="width is 0"):
        gaussian_kernel(torch.zeros(5, 1), width=0)
