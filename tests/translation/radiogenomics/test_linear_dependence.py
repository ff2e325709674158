"""Covariance and correlation are numpy's; within responses it is that of either part."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.radiogenomics.linear_dependence import (
    mean_squared_correlation,
    squared_covariance,
    within_responses,
)


def some(seed, n=40, d=3):
    rng = np.random.default_rng(seed)
    site = torch.from_numpy(rng.integers(2, size=n))
    site[:2] = torch.tensor([0, 1])
    return torch.from_numpy(rng.normal(size=(n, d))), site


@given(st.integers(0, 999), st.floats(0.1, 10), st.floats(-5, 5))
def test_it_is_numpys_correlation_whatever_the_scale(seed, scale, shift):
    features, site = some(seed)
    found = mean_squared_correlation(features * scale + shift, site).item()
    expected = [np.corrcoef(column, site.numpy())[0, 1] ** 2 for column in features.numpy().T]
    assert found == pytest.approx(np.mean(expected), rel=2e-4, abs=1e-8)


def test_the_null_is_one_over_n_less_one():
    values = [mean_squared_correlation(*some(seed, n=30)).item() for seed in range(300)]
    assert np.mean(values) == pytest.approx(1 / 29, rel=0.1)


def test_it_sees_means_and_not_spreads():
    rng = np.random.default_rng(0)
    site = torch.arange(4000) % 2
    wide = torch.from_numpy(rng.normal(size=(4000, 1))) * (1 + 4 * site[:, None])
    assert mean_squared_correlation(wide, site).item() < 0.005


def test_a_step_down_lowers_it_and_a_batch_of_one_hospital_costs_nothing():
    features, site = some(3)
    features = (features + site[:, None]).requires_grad_()
    before = mean_squared_correlation(features, site)
    before.backward()
    after = mean_squared_correlation(features - 0.5 * features.grad, site)
    assert after < before
    assert mean_squared_correlation(features, torch.ones(40)).item() == 0


@given(st.integers(0, 999), st.floats(0.1, 10), st.floats(-5, 5))
def test_squared_covariance_is_numpys_and_the_gap_of_means(seed, scale, shift):
    features, site = some(seed)
    logit = features[:, 0] * scale + shift
    found = squared_covariance(logit, site).item()
    table = np.cov(logit.numpy(), site.numpy(), ddof=0)
    assert found == pytest.approx(table[0, 1] ** 2 / table[1, 1], rel=1e-6, abs=1e-12)
    share = site.double().mean().item()
    gap = (logit[site == 1].mean() - logit[site == 0].mean()).item()
    assert found == pytest.approx(share * (1 - share) * gap**2, rel=1e-6, abs=1e-12)


def test_its_null_is_the_variance_over_n():
    values = []
    for seed in range(600):
        features, site = some(seed, n=30)
        values.append(squared_covariance(3 * features[:, 0], site).item())
    assert np.mean(values) == pytest.approx(9 / 30, rel=0.15)


def test_a_small_logit_is_pushed_less_by_covariance_and_more_by_correlation():
    features, site = some(3)
    logit = features[:, 0] + site
    pushes = {}
    for scale in (1.0, 0.01):
        small = (scale * logit).requires_grad_()
        pushes["covariance", scale] = torch.autograd.grad(squared_covariance(small, site), small)
        small = (scale * logit)[:, None].requires_grad_()
        pushes["correlation", scale] = torch.autograd.grad(
            mean_squared_correlation(small, site), small
        )
    force = {key: value[0].norm().item() for key, value in pushes.items()}
    assert force["covariance", 0.01] == pytest.approx(0.01 * force["covariance", 1.0])
    assert force["correlation", 0.01] > 50 * force["correlation", 1.0]


def test_within_is_the_mean_of_the_parts():
    features, site = some(5, n=60)
    logit, response = features[:, 0], torch.arange(60) % 3 // 2
    parts = [squared_covariance(logit[response == k], site[response == k]) for k in (0, 1)]
    assert within_responses(logit, site, response).item() == pytest.approx(
        (40 * parts[0] + 20 * parts[1]).item() / 60
    )


def test_a_link_through_the_response_is_free_within_and_costs_over_all():
    rng = np.random.default_rng(1)
    response = torch.arange(4000) % 2
    site = torch.from_numpy((rng.random(4000) < 0.15 + 0.7 * response.numpy()).astype(int))
    score = response + torch.from_numpy(rng.normal(size=4000))
    assert within_responses(score, site, response).item() < 0.003
    assert squared_covariance(score, site).item() > 0.05


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="one row and one site"):
        mean_squared_correlation(torch.zeros(3, 2), torch.zeros(4))
    with pytest.raises(ValueError, match="one logit and one site"):
        squared_covariance(torch.zeros(3), torch.zeros(4))
    assert squared_covariance(torch.randn(5), torch.ones(5)).item() == 0
