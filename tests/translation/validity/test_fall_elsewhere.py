"""A fall by case mix is foretold by the risks; one by a failing model is not."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medlib.translation.validity.fall_elsewhere import fall_elsewhere


def cohort(low, high, *, seed, n=4000, noise=0.0):
    rng = np.random.default_rng(seed)
    risks = rng.uniform(low, high, size=n)
    labels = (rng.random(n) < risks).astype(int)
    return np.clip(risks + noise * rng.normal(size=n), 0.01, 0.99), labels


def fall_of(home, there):
    return fall_elsewhere(home, there, rng=np.random.default_rng(7), n_resamples=200)


def test_another_case_mix_is_foretold():
    home, there = cohort(0, 1, seed=0), cohort(0.3, 0.7, seed=1)
    found = fall_of(home, there)
    assert found.fall.value == pytest.approx(
        roc_auc_score(*home[::-1]) - roc_auc_score(*there[::-1])
    )
    assert found.fall.low > 0.1
    assert found.elsewhere.low < found.expected < found.elsewhere.high
    assert found.beyond_half.low > 0
    assert found.missing.low < 0 < found.missing.high
    assert found.missing.value == pytest.approx(found.elsewhere.value - found.expected)


def test_a_failing_model_is_not():
    found = fall_of(cohort(0, 1, seed=0), cohort(0, 1, seed=1, noise=0.5))
    assert found.fall.low > 0.1
    assert found.beyond_half.high < 0
    assert found.missing.high < 0


def test_the_same_mix_has_no_fall():
    found = fall_of(cohort(0, 1, seed=0), cohort(0, 1, seed=1))
    assert found.fall.low < 0 < found.fall.high


def test_one_outcome_only_is_refused():
    with pytest.raises(ValueError, match="two or more with each label"):
        fall_of(cohort(0, 1, seed=0), (np.array([0.1, 0.2]), np.array([0, 0])))
