"""They are statsmodels' fit; with them no step along the hospital lowers the loss."""

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from medlib.translation.radiogenomics.site_intercepts import fitted_intercepts


def batch(seed=0, n=200):
    rng = np.random.default_rng(seed)
    site = rng.integers(2, size=n)
    g = rng.normal(size=n) * 1.5
    response = (rng.random(n) < 1 / (1 + np.exp(-(g + 2 * site - 1)))).astype(int)
    return torch.from_numpy(g), torch.from_numpy(site), torch.from_numpy(response)


def test_it_is_statsmodels_with_the_logit_as_an_offset():
    g, site, response = batch()
    found = fitted_intercepts(g, site, response, precision=1e-9)
    columns = np.c_[site.numpy() == 0, site.numpy() == 1].astype(float)
    expected = sm.GLM(
        response.numpy(), columns, offset=g.numpy(), family=sm.families.Binomial()
    ).fit(tol=1e-12)
    assert found.tolist() == pytest.approx(expected.params.tolist(), abs=1e-6)


def test_no_step_along_the_hospital_lowers_the_loss():
    g, site, response = batch(1)
    g.requires_grad_()
    added = fitted_intercepts(g, site, response, precision=1e-9)[site]
    binary_cross_entropy_with_logits(g + added, response.double()).backward()
    for place in (0, 1):
        assert g.grad[site == place].sum().abs() < 1e-9
    counted = torch.tensor([np.log(r.mean() / (1 - r.mean())) for r in (
        response[site == 0].double().numpy(), response[site == 1].double().numpy())])  # fmt: skip
    g.grad = None
    binary_cross_entropy_with_logits(g + counted[site], response.double()).backward()
    assert abs(g.grad[site == 1].sum() - g.grad[site == 0].sum()) > 1e-3


def test_one_kind_of_response_gives_a_finite_number_and_an_absent_hospital_none():
    g, site = torch.zeros(6), torch.tensor([0, 0, 0, 2, 2, 2])
    found = fitted_intercepts(g, site, torch.tensor([1, 1, 1, 0, 1, 0]), hospitals=3)
    assert torch.isfinite(found).all()
    assert found[0] > 3
    assert found[1] == 0


def test_a_shift_of_all_logits_is_taken_back():
    g, site, response = batch(2)
    one = fitted_intercepts(g, site, response, precision=1e-9)
    other = fitted_intercepts(g + 3, site, response, precision=1e-9)
    assert (one - other).tolist() == pytest.approx([3, 3], abs=1e-5)


def test_bad_input_is_told():
    g, site, response = batch()
    with pytest.raises(ValueError, match="199 sites"):
        fitted_intercepts(g, site[1:], response)
    with pytest.raises(ValueError, match=r"sites lie in 0\.\.1, of 1"):
        fitted_intercepts(g, site, response, hospitals=1)
    with pytest.raises(ValueError, match="precision is 0"):
        fitted_intercepts(g, site, response, precision=0)
