import numpy as np
import pytest
import torch

from medlib.pixels.ct.projection import ParallelBeam, project, system_matrices
from medlib.pixels.ct.pwls import Penalty, pwls
from medlib.pixels.ct.quadratic_pwls import pwls_rows, quadratic_pwls

BEAM = ParallelBeam(size=10, n_views=8, pixel_cm=0.4)


@pytest.fixture
def scan():
    g = torch.Generator().manual_seed(0)
    p = project(0.2 * torch.rand(10, 10, generator=g, dtype=torch.float64), beam=BEAM)
    return p, 10 + 1000 * torch.rand(p.shape, generator=g, dtype=torch.float64)


def test_solves_the_normal_equations(scan):
    p, w = (t.numpy().ravel() for t in scan)
    a = system_matrices(BEAM, torch.float64, torch.device("cpu"))[0].to_dense().numpy()
    step = np.diff(np.eye(10), axis=0)
    slopes = np.concatenate([np.kron(step, np.eye(10)), np.kron(np.eye(10), step)])
    exact = np.linalg.solve(a.T @ (w[:, None] * a) + 30 * slopes.T @ slopes, a.T @ (w * p))
    found = quadratic_pwls(scan[0], weights=scan[1], beam=BEAM, beta=30.0, n_steps=200)
    np.testing.assert_allclose(found.numpy().ravel(), exact, rtol=1e-8, atol=1e-10)


def test_is_pwls_with_a_quadratic_penalty(scan):
    start = torch.zeros(10, 10, dtype=torch.float64)
    given = {"weights": scan[1], "beam": BEAM}
    slow = pwls(scan[0], penalty=Penalty(50.0), start=start, n_steps=4000, **given).image
    fast = quadratic_pwls(scan[0], beta=50.0, n_steps=120, **given)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-7)


def test_a_batch_has_a_beta_for_each_image(scan):
    p, w = (torch.stack([t, t]) for t in scan)
    both = quadratic_pwls(p, weights=w, beam=BEAM, beta=torch.tensor([1.0, 90.0]))
    one = quadratic_pwls(scan[0], weights=scan[1], beam=BEAM, beta=90.0)
    torch.testing.assert_close(both[1], one)
    assert both[1].std() < both[0].std()


def test_rows_see_what_templates_see_of_the_image(scan):
    u = torch.rand(3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    options = {"weights": scan[1], "beam": BEAM, "beta": 30.0, "n_steps": 200}
    image = quadratic_pwls(scan[0], **options)
    rows = pwls_rows(u, **options)
    torch.testing.assert_close((rows * scan[0]).sum((1, 2)), (u * image).sum((1, 2)))


def test_bad_weights_and_penalties_are_refused(scan):
    for weights in (-scan[1], 0 * scan[1]):
        with pytest.raises(ValueError, match="not all zero"):
            quadratic_pwls(scan[0], weights=weights, beam=BEAM, beta=1.0)
    with pytest.raises(ValueError, match="zero or more"):
        quadratic_pwls(*scan[:1], weights=scan[1], beam=BEAM, beta=-1.0)
