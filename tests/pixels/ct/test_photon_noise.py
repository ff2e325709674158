import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.ct.photon_noise import (
    draw_photons,
    log_transform,
    log_variance,
    read_out,
    simulate_counts,
)

DRAWS = 200_000


def logged(photons, sigma_e, *, n0=1e5, seed=0):
    """Monte Carlo p̂ and the true p for a mean count."""
    p = float(np.log(n0 / photons))
    rays = torch.full((DRAWS,), p, dtype=torch.float64)
    counts = simulate_counts(rays, n0=n0, sigma_e=sigma_e, rng=np.random.default_rng(seed))
    return log_transform(counts, n0=n0), p


@pytest.mark.parametrize("photons", [100, 300, 3000])
@pytest.mark.parametrize("sigma_e", [0.0, 5.0])
def test_the_delta_method_agrees_with_monte_carlo(photons, sigma_e):
    estimate, p = logged(photons, sigma_e)
    theory = float(log_variance(torch.tensor(p), n0=1e5, sigma_e=sigma_e))
    assert estimate.starved_fraction == 0
    assert float(estimate.line_integrals.var()) / theory == pytest.approx(1, abs=0.05)


def test_the_delta_method_fails_under_starvation():
    estimate, p = logged(30, 10.0)
    theory = float(log_variance(torch.tensor(p), n0=1e5, sigma_e=10.0))
    assert estimate.starved_fraction > 0
    assert float(estimate.line_integrals.var()) / theory > 1.3


@pytest.mark.parametrize("sigma_e", [0.0, 5.0])
def test_the_logarithm_is_biased_upwards_by_half_its_variance(sigma_e):
    estimate, p = logged(100, sigma_e)
    bias = float(estimate.line_integrals.mean()) - p
    theory = float(log_variance(torch.tensor(p), n0=1e5, sigma_e=sigma_e)) / 2
    assert bias == pytest.approx(theory, rel=0.1)


@given(st.floats(0, 6), st.floats(10, 1e6), st.floats(0, 20))
def test_the_formula_is_the_delta_method(p, n0, sigma_e):
    n = n0 * np.exp(-p)
    value = log_variance(torch.tensor(p, dtype=torch.float64), n0=n0, sigma_e=sigma_e)
    assert float(value) == pytest.approx((n + sigma_e**2) / n**2, rel=1e-9)


@given(st.floats(0, 5), st.floats(10, 1e5))
def test_log_undoes_exp_where_there_is_light(p, n0):
    counts = n0 * torch.exp(-torch.tensor([p], dtype=torch.float64))
    estimate = log_transform(counts, n0=n0, floor=1e-9)
    assert float(estimate.line_integrals) == pytest.approx(p, abs=1e-9)


def test_zero_and_negative_counts_are_floored_and_reported():
    estimate = log_transform(torch.tensor([-7.0, 0.0, 0.5, 1.0]), n0=10)
    assert estimate.starved.tolist() == [True, True, False, False]
    assert torch.isfinite(estimate.line_integrals).all()
    assert estimate.starved_fraction == 0.5


def test_draws_repeat_with_the_generator_and_keep_shape_and_dtype():
    rays = torch.rand(3, 4)
    first, second = (
        simulate_counts(rays, n0=50, sigma_e=2, rng=np.random.default_rng(7)) for _ in range(2)
    )
    assert torch.equal(first, second)
    assert first.shape == rays.shape
    assert first.dtype == rays.dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: draw_photons(torch.zeros(1), n0=0, rng=rng), "needs photons"),
        (lambda rng: read_out(torch.zeros(1), sigma_e=-1, rng=rng), "standard deviation"),
        (lambda rng: log_transform(torch.ones(1), n0=1, floor=0), "ln 0"),
        (lambda rng: log_variance(torch.zeros(1), n0=-1), "needs photons"),
    ],
)
def test_impossible_physics_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
