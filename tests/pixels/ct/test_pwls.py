import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.pixels.ct.projection import ParallelBeam, project, system_matrices
from medlib.pixels.ct.pwls import Penalty, pwls

BEAM = ParallelBeam(size=10, n_views=8, pixel_cm=0.4)


@pytest.fixture
def scan():
    g = torch.Generator().manual_seed(0)
    truth = 0.2 * torch.rand(10, 10, generator=g, dtype=torch.float64)
    p = project(truth, beam=BEAM)
    weights = 10 + 1000 * torch.rand(p.shape, generator=g, dtype=torch.float64)
    return p + torch.randn(p.shape, generator=g, dtype=torch.float64) / weights.sqrt(), weights


def roughness(x, penalty):
    total = 0.0
    for axis in (0, 1):
        t = np.abs(np.diff(x, axis=axis))
        d = penalty.delta_per_cm
        total += np.where(t <= d, t**2 / 2, d * t - d**2 / 2 if np.isfinite(d) else 0.0).sum()
    return total


@pytest.mark.parametrize("penalty", [Penalty(50.0), Penalty(500.0, 0.01)])
def test_reaches_the_minimum_that_scipy_finds(scan, penalty):
    p, w = (t.numpy().ravel() for t in scan)
    a = system_matrices(BEAM, torch.float64, torch.device("cpu"))[0].to_dense().numpy()

    def objective(x):
        return 0.5 * (w * (a @ x - p) ** 2).sum() + penalty.beta * roughness(
            x.reshape(10, 10), penalty
        )

    start = torch.zeros(10, 10, dtype=torch.float64)
    fit = pwls(scan[0], weights=scan[1], beam=BEAM, penalty=penalty, start=start, n_steps=3000)
    best = scipy.optimize.minimize(
        objective,
        np.zeros(100),
        method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-15},
    )
    assert objective(fit.image.numpy().ravel()) <= best.fun * (1 + 1e-6)


def test_subsets_come_close_to_the_minimum_in_fewer_passes(scan):
    start = torch.zeros(10, 10, dtype=torch.float64)
    given = {"weights": scan[1], "beam": BEAM, "penalty": Penalty(50.0, 0.02), "start": start}
    best = pwls(scan[0], n_steps=3000, **given).image
    whole, parts = (
        (pwls(scan[0], n_steps=12, n_subsets=n, **given).image - best).std() for n in (1, 4)
    )
    assert parts < 0.5 * whole
    assert parts < 0.15 * best.std()


def test_subsets_of_a_batch_are_those_of_its_images(scan):
    p, w = (torch.stack([t, 1.5 * t]) for t in scan)
    start = torch.zeros(2, 10, 10, dtype=torch.float64)
    options = {"beam": BEAM, "penalty": Penalty(20.0), "n_steps": 5, "n_subsets": 3}
    both = pwls(p, weights=w, start=start, **options).image
    one = pwls(p[1], weights=w[1], start=start[1], **options).image
    torch.testing.assert_close(both[1], one)
    with pytest.raises(ValueError, match="9, but there are 8 views"):
        pwls(p, weights=w, start=start, **(options | {"n_subsets": 9}))


def test_the_watched_objective_is_the_objective_and_falls(scan):
    penalty = Penalty(100.0, 0.02)
    start = torch.zeros(10, 10, dtype=torch.float64)
    fit = pwls(
        *scan[:1], weights=scan[1], beam=BEAM, penalty=penalty, start=start, n_steps=60, watch=True
    )
    assert len(fit.objective) == 61
    assert fit.objective[-1] < fit.objective[20] < fit.objective[0]
    data = float((scan[1] * (project(fit.image, beam=BEAM) - scan[0]).square()).sum()) / 2
    expected = data + penalty.beta * roughness(fit.image.numpy(), penalty)
    assert fit.objective[-1] == pytest.approx(expected, rel=1e-9)


def test_a_penalty_that_outweighs_the_data_flattens_and_never_overshoots(scan):
    penalty = Penalty(1e6)
    start = torch.rand(10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    settings_ = {"weights": scan[1], "beam": BEAM, "penalty": penalty, "start": start}
    fit = pwls(scan[0], n_steps=400, **settings_)
    assert float(fit.image.std()) < 1e-3
    before, after = pwls(scan[0], n_steps=1, watch=True, **settings_).objective
    assert after < before


@settings(max_examples=15)
@given(st.floats(0.01, 100), st.integers(0, 2**31))
def test_only_ratios_of_weights_and_penalty_count(factor, seed):
    g = torch.Generator().manual_seed(seed)
    p = torch.rand(BEAM.sinogram_shape, generator=g, dtype=torch.float64)
    w = torch.rand(BEAM.sinogram_shape, generator=g, dtype=torch.float64)
    start = torch.zeros(10, 10, dtype=torch.float64)
    one, other = (
        pwls(p, weights=s * w, beam=BEAM, penalty=Penalty(s * 0.3), start=start, n_steps=8).image
        for s in (1.0, factor)
    )
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_a_ray_of_weight_zero_is_ignored(scan):
    p, w = scan
    start = torch.zeros(10, 10, dtype=torch.float64)
    w[3, 5] = 0
    broken = p.clone()
    broken[3, 5] = 1e3
    settings_ = {"weights": w, "beam": BEAM, "penalty": Penalty(1.0), "start": start}
    torch.testing.assert_close(pwls(p, **settings_).image, pwls(broken, **settings_).image)


def test_a_batch_is_its_images(scan):
    p, w = (torch.stack([t, 1.5 * t]) for t in scan)
    start = torch.zeros(2, 10, 10, dtype=torch.float64)
    both = pwls(p, weights=w, beam=BEAM, penalty=Penalty(20.0), start=start, n_steps=10).image
    one = pwls(p[1], weights=w[1], beam=BEAM, penalty=Penalty(20.0), start=start[1], n_steps=10)
    torch.testing.assert_close(both[1], one.image)


def test_bad_weights_are_refused(scan):
    start = torch.zeros(10, 10, dtype=torch.float64)
    for weights in (-scan[1], 0 * scan[1]):
        with pytest.raises(ValueError, match="not all zero"):
            pwls(scan[0], weights=weights, beam=BEAM, penalty=Penalty(1.0), start=start)
    with pytest.raises(ValueError, match="delta_per_cm positive"):
        Penalty(1.0, 0.0)
