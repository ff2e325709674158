"""Ranks within classes keep the promise in each of them."""

import numpy as np
import pytest

from medlib.diagnosis.novelty.conformal import conformal_p
from medlib.diagnosis.novelty.conformal_by_class import conformal_p_by_class


def drawn(n, rng):
    """A calm class and a wild one: distances to each are independent."""
    labels = np.arange(n) % 2
    own = np.abs(rng.normal(size=n)) * np.where(labels == 1, 4.0, 1.0)
    distances = np.full((n, 2), 50.0)
    distances[np.arange(n), labels] = own
    return distances, labels


def test_each_class_keeps_its_level_where_one_threshold_does_not():
    rng = np.random.default_rng(0)
    by_class, together = [], []
    for _ in range(300):
        calibration, labels = drawn(78, rng)
        new, kinds = drawn(200, rng)
        p = conformal_p_by_class(new, calibration=calibration, labels=labels).max(axis=1)
        q = conformal_p(new.min(axis=1), calibration=calibration.min(axis=1))
        by_class.append([(p[kinds == c] <= 0.05).mean() for c in (0, 1)])
        together.append([(q[kinds == c] <= 0.05).mean() for c in (0, 1)])
    assert np.allclose(np.mean(by_class, axis=0), 0.05, atol=0.008)
    calm, wild = np.mean(together, axis=0)
    assert calm < 0.01
    assert wild > 0.065


def test_a_column_is_the_plain_p_value_among_that_class():
    rng = np.random.default_rng(1)
    calibration, labels = drawn(40, rng)
    new, _ = drawn(9, rng)
    p = conformal_p_by_class(new, calibration=calibration, labels=labels)
    alone = conformal_p(new[:, 1], calibration=calibration[labels == 1, 1])
    assert np.array_equal(p[:, 1], alone)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="class 1 has no calibration image"):
        conformal_p_by_class(np.ones((2, 2)), calibration=np.ones((3, 2)), labels=np.zeros(3, int))
    with pytest.raises(ValueError, match="expected"):
        conformal_p_by_class(np.ones((2, 2)), calibration=np.ones((3, 1)), labels=np.zeros(3, int))
