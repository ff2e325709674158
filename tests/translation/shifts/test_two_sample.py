"""The classifier two-sample test: rings at its level when nothing differs, sees what differs."""

import numpy as np
import pytest
from scipy.stats import norm

from medlib.translation.shifts.two_sample import classifier_two_sample


def test_false_alarms_come_at_the_level_and_the_interval_covers_one_half():
    rng, found = np.random.default_rng(0), []
    for _ in range(100):
        x = rng.normal(size=(120, 3))
        found.append(classifier_two_sample(x[:60], x[60:], rng=rng))
    alarms = np.mean([t.p_value < 0.05 for t in found])
    covered = np.mean([t.low <= 0.5 <= t.high for t in found])
    assert alarms <= 0.12
    assert covered >= 0.87
    assert all(t.low <= t.auc <= t.high and t.n_test == 60 for t in found)


def test_a_shift_of_one_channel_gives_the_auc_of_two_normals():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 4000, 2))
    second[:, 0] += 1
    found = classifier_two_sample(first, second, rng=rng)
    assert found.auc == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.02)
    assert found.low < norm.cdf(1 / np.sqrt(2)) < found.high
    assert found.p_value < 1e-6


def test_the_same_generator_gives_the_same_answer_and_errors_teach():
    x = np.random.default_rng(2).normal(size=(40, 3))
    a, b = (classifier_two_sample(x[:20], x[20:], rng=np.random.default_rng(3)) for _ in "ab")
    assert a == b
    with pytest.raises(ValueError, match="at least 8 of each"):
        classifier_two_sample(x[:5], x, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"shapes \(40, 3\) and \(40, 2\)"):
        classifier_two_sample(x, x[:, :2], rng=np.random.default_rng(0))
