"""Dealing again: silent where the sites see alike, loud where one of them does not."""

import numpy as np
import pytest
from scipy.stats import binom

from medlib.translation.shifts.dealt_again import dealt_again


def rings(found):
    return sum(test.p_value < 0.05 for test in found)


def test_it_rings_at_its_level_where_the_sites_see_alike():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(120, 3))
    found = dealt_again(pool, pool, n_each=60, n_deals=200, rng=rng)
    assert binom.ppf(0.005, 200, 0.05) <= rings(found) <= binom.ppf(0.995, 200, 0.05)


def test_it_hears_a_leak_and_deals_no_image_twice():
    rng = np.random.default_rng(1)
    pool = rng.normal(size=(120, 3))
    assert rings(dealt_again(pool, pool + 1, n_each=60, n_deals=20, rng=rng)) == 20
    # a classifier of images that are on both sides would find no difference but in what is left
    named = np.arange(20.0)[:, None]
    assert all(t.n_test == 10 for t in dealt_again(named, named, n_each=10, n_deals=3, rng=rng))


def test_errors_teach():
    pool = np.zeros((20, 2))
    with pytest.raises(ValueError, match="no image is dealt twice"):
        dealt_again(pool, pool, n_each=11, n_deals=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="of one pool"):
        dealt_again(pool, pool[:5], n_each=2, n_deals=1, rng=np.random.default_rng(0))
