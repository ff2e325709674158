"""The promise of ranks, exactly and by drawing."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.novelty.conformal import conformal_p, least_calibration, level_distribution


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(0, 6))
def test_counts_as_the_formula_says(calibration, score):
    p = conformal_p(np.array([float(score)]), calibration=np.array(calibration, dtype=float))[0]
    assert p == (1 + sum(c >= score for c in calibration)) / (len(calibration) + 1)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=15))
def test_never_more_alarms_than_promised_whichever_is_the_new_one(values):
    """Exchangeability itself: over all choices of the new image, at every level, with ties."""
    values = np.array(values, dtype=float)
    p = np.array(
        [
            conformal_p(values[i : i + 1], calibration=np.delete(values, i))[0]
            for i in range(len(values))
        ]
    )
    for level in (0.1, 0.25, 0.5, 0.9):
        assert (p <= level).mean() <= level + 1e-12


def test_equals_scipys_percentile():
    rng = np.random.default_rng(0)
    calibration, new = rng.normal(size=99), rng.normal(size=20)
    above = 100 - scipy.stats.percentileofscore(calibration, new, kind="strict")
    assert np.allclose(conformal_p(new, calibration=calibration), (1 + 0.99 * above) / 100)


def test_the_realised_level_follows_beta():
    rng = np.random.default_rng(1)
    realised = []
    for _ in range(2000):
        calibration = rng.normal(size=39)
        threshold = np.sort(calibration)[-2]  # k = 0.05 * 40 = 2
        p = conformal_p(np.array([threshold - 1e-9, threshold + 1e-9]), calibration=calibration)
        assert p[1] <= 0.05 < p[0]
        realised.append(scipy.stats.norm.sf(threshold))
    assert scipy.stats.kstest(realised, level_distribution(39, level=0.05).cdf).pvalue > 0.001


def test_calibration_on_what_was_learned_breaks_it():
    rng = np.random.default_rng(2)
    known, new = rng.normal(size=(60, 30)), rng.normal(size=(500, 30))
    mean = known.mean(axis=0)
    inverse = np.linalg.inv(np.cov(known.T))

    def score(x):
        return np.einsum("ij,jk,ik->i", x - mean, inverse, x - mean)

    assert (conformal_p(score(new), calibration=score(known)) <= 0.05).mean() > 0.5


@given(st.floats(0.001, 0.9))
def test_so_many_are_needed_and_no_fewer(level):
    m = least_calibration(level)
    assert 1 / (m + 1) <= level + 1e-9
    if m > 1:
        assert 1 / m > level - 1e-9


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="empty"):
        conformal_p(np.ones(2), calibration=np.array([]))
    with pytest.raises(ValueError, match="NaN"):
        conformal_p(np.array([np.nan]), calibration=np.ones(3))
    with pytest.raises(ValueError, match="no alarm can ever sound"):
        level_distribution(18, level=0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        least_calibration(1.0)
