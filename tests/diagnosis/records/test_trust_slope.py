"""The slope and its interval are those of statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from medlib.diagnosis.records.trust_slope import trust_slope


def risks(n=600, factor=2.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, n)
    return expit(factor * truth), (rng.random(n) < expit(truth)).astype(int)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_it_equals_statsmodels(factor):
    p, y = risks(factor=factor)
    peer = sm.Logit(y, sm.add_constant(logit(p))).fit(disp=False)
    found = trust_slope(p, y)
    assert found.value == pytest.approx(peer.params[1], abs=1e-5)
    np.testing.assert_allclose(found.interval, peer.conf_int()[1], atol=1e-5)


def test_risks_that_are_twice_too_sure_have_half_the_slope():
    p, y = risks(n=200_000)
    assert trust_slope(p, y).low < 0.5 < trust_slope(p, y).high
    assert trust_slope(p, y).value == pytest.approx(0.5, abs=0.02)


def test_equal_risks_are_refused():
    with pytest.raises(ValueError, match="no slope"):
        trust_slope(np.full(4, 0.3), np.array([0, 1, 0, 1]))
