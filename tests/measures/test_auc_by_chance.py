"""The interval of an AUC by chance holds its share of areas of scores that know nothing."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from medlib.measures.auc_by_chance import auc_by_chance


def test_it_is_the_published_variance():
    low, high = auc_by_chance(400, 400)
    assert (low, high) == pytest.approx((0.5 - 0.04, 0.5 + 0.04), abs=2e-4)
    low, high = auc_by_chance(5, 3, level=0.9)
    assert high - 0.5 == pytest.approx(1.6448536 * np.sqrt(9 / (12 * 15)))
    assert low == pytest.approx(1 - high)


def test_it_holds_its_share_of_chance():
    rng, (low, high) = np.random.default_rng(0), auc_by_chance(30, 50)
    scores = rng.normal(size=(2000, 80))
    areas = mannwhitneyu(scores[:, :30], scores[:, 30:], axis=1).statistic / (30 * 50)
    assert np.mean((areas >= low) & (areas <= high)) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("given", [(0, 5, 0.95), (5, 0, 0.95), (5, 5, 95)])
def test_errors_teach(given):
    with pytest.raises(ValueError, match="of each"):
        auc_by_chance(*given[:2], level=given[2])
