"""It finds what is there, linear or not, and stays at chance where there is nothing."""

import numpy as np
import pytest

from medlib.measures.auc_by_chance import auc_by_chance
from medlib.translation.radiogenomics.site_probe import probe_site

SITE = np.arange(240) % 2


def test_a_mean_that_differs_is_found():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(240, 4)) + 1.5 * SITE[:, None] * [1, 0, 0, 0]
    assert probe_site(features, SITE, rng=rng).auc.value > 0.75


def test_a_product_that_differs_is_found_though_no_mean_does():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(240, 2))
    features[:, 1] = np.abs(features[:, 1]) * np.where(SITE == 1, 1, -1) * np.sign(features[:, 0])
    found = probe_site(features, SITE, rng=rng)
    assert found.auc.value > 0.9
    assert found.reader != "linear"
    assert found.tried["linear"] < 0.65


def test_nothing_is_found_where_nothing_is():
    inside = 0
    low, high = auc_by_chance(60, 60, level=0.99)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = probe_site(rng.normal(size=(240, 3)), SITE, rng=rng)
        inside += low <= found.auc.value <= high
    assert inside >= 5


def test_same_generator_same_answer_and_too_few_are_refused():
    features = np.random.default_rng(2).normal(size=(240, 3))
    one, again = (probe_site(features, SITE, rng=np.random.default_rng(4)) for _ in range(2))
    assert one.auc.value == again.auc.value
    assert one.auc.n == 120
    with pytest.raises(ValueError, match="16 of each"):
        probe_site(features[:20], SITE[:20], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="a 0 or 1 each"):
        probe_site(features, SITE + 1, rng=np.random.default_rng(0))
