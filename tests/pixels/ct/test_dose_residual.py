import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.ct.dose_residual import independent_variance, thin, thinned_variance
from medlib.pixels.ct.photon_noise import draw_photons, log_transform, read_out, simulate_counts

N0, P, DRAWS = 1e5, 3.0, 200_000


def estimate(counts, n0):
    return log_transform(counts, n0=n0).line_integrals


@pytest.mark.parametrize("alpha", [0.1, 0.5])
@pytest.mark.parametrize("sigma_e", [0.0, 8.0])
def test_independent_scans(alpha, sigma_e):
    rng, rays = np.random.default_rng(1), torch.full((DRAWS,), P, dtype=torch.float64)
    low = simulate_counts(rays, n0=alpha * N0, sigma_e=sigma_e, rng=rng)
    full = simulate_counts(rays, n0=N0, sigma_e=sigma_e, rng=rng)
    residual = estimate(low, alpha * N0) - estimate(full, N0)
    theory = independent_variance(rays[:1], n0=N0, dose_fraction=alpha, sigma_e=sigma_e)
    assert float(residual.var() / theory) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("sigma_e", [0.0, 8.0])
def test_thinned_photons(alpha, sigma_e):
    rng, rays = np.random.default_rng(2), torch.full((DRAWS,), P, dtype=torch.float64)
    photons = draw_photons(rays, n0=N0, rng=rng)
    kept = thin(photons, dose_fraction=alpha, rng=rng)
    low, full = (read_out(x, sigma_e=sigma_e, rng=rng) for x in (kept, photons))
    residual = estimate(low, alpha * N0) - estimate(full, N0)
    theory = thinned_variance(rays[:1], n0=N0, dose_fraction=alpha, sigma_e=sigma_e)
    assert float(residual.var() / theory) == pytest.approx(1, abs=0.02)


def test_thinned_noise_is_correlated_with_the_target_and_independent_noise_is_not():
    rng, rays = np.random.default_rng(3), torch.full((DRAWS,), P, dtype=torch.float64)
    photons = draw_photons(rays, n0=N0, rng=rng)
    low = estimate(thin(photons, dose_fraction=0.25, rng=rng), 0.25 * N0)
    shared, other = estimate(photons, N0), estimate(draw_photons(rays, n0=N0, rng=rng), N0)
    slope = [float(torch.cov(torch.stack([low, y]))[0, 1] / low.var()) for y in (shared, other)]
    assert slope[0] == pytest.approx(0.25, abs=0.01)  # a fraction α of the noise is in the target
    assert slope[1] == pytest.approx(0, abs=0.01)


@given(st.floats(0, 5), st.floats(0.01, 1), st.floats(0, 10))
def test_the_two_differ_by_twice_the_shared_variance(p, alpha, sigma_e):
    rays = torch.tensor([p], dtype=torch.float64)
    settings = {"n0": N0, "dose_fraction": alpha, "sigma_e": sigma_e}
    gap = independent_variance(rays, **settings) - thinned_variance(rays, **settings)
    assert float(gap) == pytest.approx(2 * np.exp(p) / N0, rel=1e-6)


def test_nothing_is_lost_at_full_dose():
    rays, photons = torch.ones(1), torch.tensor([5.0, 0.0, 12.0])
    assert float(thinned_variance(rays, n0=N0, dose_fraction=1.0)) == pytest.approx(0, abs=1e-10)
    kept = thin(photons, dose_fraction=1.0, rng=np.random.default_rng(0))
    assert torch.equal(kept, photons)


@pytest.mark.parametrize("counts", [torch.tensor([1.5]), torch.tensor([-1.0])])
def test_counts_with_electronic_noise_cannot_be_thinned(counts):
    with pytest.raises(ValueError, match="thin the photons first"):
        thin(counts, dose_fraction=0.5, rng=np.random.default_rng(0))


@pytest.mark.parametrize("alpha", [0.0, 1.1, -0.1])
def test_the_share_kept_is_a_share(alpha):
    with pytest.raises(ValueError, match="0 < α <= 1"):
        independent_variance(torch.zeros(1), n0=N0, dose_fraction=alpha)
