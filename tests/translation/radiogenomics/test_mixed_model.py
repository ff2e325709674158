"""Limits that are known, the integral by quadrature, and statsmodels."""

import numpy as np
import pytest
import scipy.integrate
import statsmodels.api as sm
from scipy.special import expit

from medlib.translation.radiogenomics.mixed_model import fit_mixed_model


def cohort(seed=0, n=500, hospitals=2, spread=1.5):
    rng = np.random.default_rng(seed)
    site = np.arange(n) % hospitals
    added = spread * rng.standard_normal(hospitals)
    x = rng.normal(size=(n, 2))
    odds = 0.3 + x @ [1.0, -0.5] + added[site]
    return x, (rng.random(n) < expit(odds)).astype(int), site, added


def test_a_wide_prior_is_an_intercept_for_each_hospital():
    x, y, site, _ = cohort()
    found = fit_mixed_model(x, y, site, between_sd=1e3, ridge=1e-9)
    columns = np.c_[site == 0, site == 1, x].astype(float)
    expected = sm.GLM(y, columns, family=sm.families.Binomial()).fit().params
    assert found.effects == pytest.approx(expected[2:], abs=1e-4)
    apart = found.hospitals[1] - found.hospitals[0]
    assert apart == pytest.approx(expected[1] - expected[0], abs=1e-3)


def test_no_spread_forgets_the_hospitals():
    x, y, site, _ = cohort()
    found = fit_mixed_model(x, y, site, between_sd=0, ridge=1e-9)
    expected = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial()).fit().params
    assert [found.intercept, *found.effects] == pytest.approx(expected.tolist(), abs=1e-4)
    assert max(map(abs, found.hospitals.values())) < 1e-5


def test_the_prior_of_two_hospitals_is_shrunk_and_sums_to_nothing():
    x, y, site, _ = cohort()
    narrow, wide = (fit_mixed_model(x, y, site, between_sd=sd) for sd in (0.2, 2.0))
    assert abs(narrow.hospitals[0]) < abs(wide.hospitals[0])
    assert sum(wide.hospitals.values()) == pytest.approx(0, abs=1e-4)


def test_many_hospitals_have_the_spread_that_they_were_drawn_with():
    x, y, site, added = cohort(seed=3, n=6000, hospitals=60, spread=1.0)
    found = fit_mixed_model(x, y, site)
    assert found.between_sd == pytest.approx(added.std(), rel=0.2)
    told = np.array([found.hospitals[k] for k in range(60)])
    assert np.corrcoef(told, added)[0, 1] > 0.9
    assert found.effects == pytest.approx([1.0, -0.5], abs=0.1)


def test_laplaces_choice_of_the_spread_is_near_that_of_the_integral():
    """One effect known to be 0: the likelihood of each hospital is a one-dimensional integral."""
    x, y, site, _ = cohort(seed=5, n=800, hospitals=8, spread=1.0)
    x = np.zeros((800, 1))
    found = fit_mixed_model(x, y, site)

    def likelihood(sd):
        total = 0.0
        for place in range(8):
            own = y[site == place]

            def density(u, own=own):
                odds = found.intercept + u
                log = (own * odds - np.logaddexp(0, odds)).sum() + 60
                return np.exp(log - 0.5 * (u / sd) ** 2) / (sd * np.sqrt(2 * np.pi))

            total += np.log(scipy.integrate.quad(density, -6, 6, points=[-1, 0, 1])[0])
        return total

    grid = np.geomspace(0.02, 3, 25)
    best = grid[np.argmax([likelihood(sd) for sd in grid])]
    assert abs(np.log(found.between_sd / best)) < 2.5 * np.log(grid[1] / grid[0])


def test_a_new_hospital_adds_nothing_and_shapes_are_checked():
    x, y, site, _ = cohort()
    found = fit_mixed_model(x, y, site)
    assert found.score(np.zeros((1, 2)))[0] == pytest.approx(found.intercept)
    with pytest.raises(ValueError, match="one of each a patient"):
        fit_mixed_model(x, y[:-1], site)
    with pytest.raises(ValueError, match="between_sd=-1"):
        fit_mixed_model(x, y, site, between_sd=-1)
