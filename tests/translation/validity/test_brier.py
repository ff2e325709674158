"""The Brier score and its parts: scikit-learn's, Murphy's own sum, and the bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from medlib.translation.validity.brier import brier


def patients(n, *, seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 2.5, size=n)
    return p, (rng.random(n) < p).astype(int)


@given(st.integers(0, 10**6), st.integers(8, 60))
def test_the_parts_add_up_to_scikit_learns_score(seed, n):
    p, y = patients(n, seed=seed)
    y[:2] = 0, 1
    found = brier(p, y)
    assert found.score.value == pytest.approx(brier_score_loss(y, p), abs=1e-14)
    total = found.miscalibration - found.discrimination + found.uncertainty
    assert total == pytest.approx(found.score.value, abs=1e-12)
    assert min(found.miscalibration, found.discrimination) >= 0
    assert found.scaled.value == pytest.approx(1 - found.score.value / found.uncertainty)


def test_few_risks_in_order_give_murphys_three_sums():
    p = np.repeat([0.1, 0.3, 0.7], [20, 10, 10])
    y = np.concatenate([np.repeat([0, 1], c) for c in ([17, 3], [6, 4], [2, 8])])
    found = brier(p, y)
    shares, counts = np.array([0.15, 0.4, 0.8]), np.array([20, 10, 10])
    murphy = counts @ (np.array([0.1, 0.3, 0.7]) - shares) ** 2 / 40
    assert found.miscalibration == pytest.approx(murphy)
    assert found.discrimination == pytest.approx(counts @ (shares - y.mean()) ** 2 / 40)


@given(st.integers(0, 10**6))
def test_a_monotone_map_touches_only_the_miscalibration(seed):
    p, y = patients(40, seed=seed)
    y[:2] = 0, 1
    one, bent = brier(p, y), brier(p**3, y)
    assert bent.discrimination == pytest.approx(one.discrimination, abs=1e-12)
    perfect, blind = brier(y.astype(float), y), brier(np.full(40, y.mean()), y)
    assert (perfect.score.value, perfect.scaled.value) == (0, 1)
    assert blind.scaled.value == pytest.approx(0, abs=1e-12)
    assert blind.discrimination == pytest.approx(0, abs=1e-12)


def test_the_scaled_interval_is_that_of_the_bootstrap():
    p, y = patients(500, seed=0)
    found = brier(p, y)
    drawn = np.random.default_rng(1).integers(500, size=(3000, 500))
    score, share = ((p - y) ** 2)[drawn].mean(axis=1), y[drawn].mean(axis=1)
    ends = np.quantile(1 - score / (share * (1 - share)), [0.025, 0.975])
    np.testing.assert_allclose(found.scaled.interval, ends, atol=0.012)


def test_errors_teach():
    with pytest.raises(ValueError, match="nothing was uncertain"):
        brier(np.array([0.1, 0.2]), np.array([0, 0]))
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        brier(np.array([0.1, 20.0]), np.array([0, 1]))
