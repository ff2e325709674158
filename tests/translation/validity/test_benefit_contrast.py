"""Contrasts of net benefit: a difference is the curve's own, and a share of a loss is linear."""

import numpy as np
import pytest
from scipy.special import expit

from medlib.translation.validity.benefit_contrast import benefit_contrast
from medlib.translation.validity.decision_curve import decision_curve


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    line = rng.normal(size=500)
    labels = (rng.random(500) < expit(line)).astype(int)
    risks = np.stack([expit(line), expit(line - 2), expit(0.9 * line)])
    return decision_curve(risks, labels, thresholds=np.array([0.3, 0.5]), rng=rng, n_resamples=300)


def test_a_difference_is_that_of_the_curve(curve):
    expected = curve.difference(0, 1, at=0.5)
    assert benefit_contrast(curve, np.array([1, -1, 0, 0]), at=0.5) == expected


def test_a_contrast_is_the_sum_of_its_parts(curve):
    lost, back = curve.difference(0, 1, at=0.3), curve.difference(2, 1, at=0.3)
    found = benefit_contrast(curve, np.array([-0.5, -0.5, 1, 0]), at=0.3)
    assert found.value == pytest.approx(back.value - lost.value / 2)
    assert found.low < found.value < found.high


def test_what_does_not_fit_is_refused(curve):
    with pytest.raises(ValueError, match="one a row"):
        benefit_contrast(curve, np.array([1, -1]), at=0.5)
    with pytest.raises(ValueError, match=r"at=0\.4"):
        benefit_contrast(curve, np.array([1, -1, 0, 0]), at=0.4)
