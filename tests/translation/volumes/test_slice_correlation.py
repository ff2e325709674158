"""The variance of a sum of slices: the formula against matrices, Monte Carlo and maps."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from medlib.translation.volumes.slice_correlation import (
    decaying_correlations,
    depth_correlations,
    depth_sum_ratio,
    equal_correlations,
    variance_ratio,
)


def covariance(lags):
    whole = np.concatenate([[1.0], lags])
    places = np.arange(len(whole))
    return whole[np.abs(places[:, None] - places[None, :])]


@given(rho=st.floats(0, 1), depth=st.integers(1, 9), divisor=st.floats(0.5, 9))
def test_the_formula_is_the_sum_of_the_covariance_matrix(rho, depth, divisor):
    for lags in (equal_correlations(rho, depth=depth), decaying_correlations(rho, depth=depth)):
        expected = covariance(lags).sum() / divisor**2
        assert variance_ratio(lags, divisor=divisor) == pytest.approx(expected, rel=1e-9)
    equal = variance_ratio(equal_correlations(rho, depth=depth), divisor=divisor)
    assert equal == pytest.approx((depth + depth * (depth - 1) * rho) / divisor**2, rel=1e-9)


@pytest.mark.parametrize("kind", [equal_correlations, decaying_correlations])
@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_monte_carlo_agrees_within_its_interval(kind, rho):
    depth, draws = 5, 20_000
    lags = kind(rho, depth=depth)
    slices = np.random.default_rng(7).multivariate_normal(np.zeros(5), covariance(lags), draws)
    total = (slices.sum(axis=1) / 3.0).var(ddof=1)
    low, high = total * (draws - 1) / stats.chi2.ppf([0.9995, 0.0005], draws - 1)
    assert low < variance_ratio(lags, divisor=3.0) < high


def test_both_published_rules_are_limits():
    assert variance_ratio(equal_correlations(1.0, depth=5), divisor=5) == pytest.approx(1)
    assert variance_ratio(equal_correlations(0.0, depth=5), divisor=5**0.5) == pytest.approx(1)


def autoregressive(rho, *, slices=4000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    fresh = torch.randn(2, slices, 4, 4, generator=generator)
    maps = fresh.clone()
    for z in range(1, slices):
        maps[:, z] = rho * maps[:, z - 1] + (1 - rho**2) ** 0.5 * fresh[:, z]
    return maps


def test_measured_correlations_are_numpys():
    maps = autoregressive(0.7, slices=50) + 3
    found = depth_correlations(maps, depth=4)
    for channel in range(2):
        own = maps[channel].double().numpy()
        off = own - own.mean()
        for lag in (1, 2, 3):
            expected = (off[:-lag] * off[lag:]).mean() / own.var()
            assert found[channel, lag - 1] == pytest.approx(expected, abs=1e-5)
    scaled = maps * torch.tensor([1.0, 5.0])[:, None, None, None]
    pooled = depth_correlations(scaled, depth=2, pooled=True)
    first, second = (float(channel.double().var()) for channel in maps)
    expected = (found[0, 0] * first + 25 * found[1, 0] * second) / (first + 25 * second)
    assert pooled[0] == pytest.approx(expected, abs=1e-4)


def test_long_autoregressive_volumes_have_decaying_correlations_and_the_predicted_sum():
    maps = autoregressive(0.7)
    lags = depth_correlations(maps, depth=5, pooled=True)
    np.testing.assert_allclose(lags, decaying_correlations(0.7, depth=5), atol=0.03)
    measured = depth_sum_ratio(maps, depth=5, divisor=2.0)
    assert measured == pytest.approx(variance_ratio(lags, divisor=2.0), rel=0.01)
    # and not what equally correlated slices would give
    assert variance_ratio(equal_correlations(0.7, depth=5), divisor=2.0) > 1.1 * measured


def test_a_silent_channel_counts_as_unchanging():
    maps = torch.stack([torch.full((6, 3, 3), 2.5), torch.randn(6, 3, 3)])
    assert depth_correlations(maps, depth=3)[0].tolist() == [1.0, 1.0]
    assert depth_correlations(maps[:1], depth=3, pooled=True).tolist() == [1.0, 1.0]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"between -0\.5 and 1"):
        equal_correlations(-0.6, depth=3)
    with pytest.raises(ValueError, match="between -1 and 1"):
        decaying_correlations(1.5, depth=3)
    with pytest.raises(ValueError, match="at least 1 slice"):
        decaying_correlations(0.5, depth=0)
    with pytest.raises(ValueError, match="above 0"):
        variance_ratio([0.5], divisor=0.0)
    with pytest.raises(ValueError, match="need at least 4 slices"):
        depth_correlations(torch.zeros(1, 3, 2, 2), depth=4)
    with pytest.raises(ValueError, match="a window needs 4"):
        depth_sum_ratio(torch.zeros(1, 3, 2, 2), depth=4)
