"""The difference of pooled measures is scipy's, and its units are patients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from medlib.diagnosis.scoring.pooled_difference import pooled_difference


def dice(counts):
    return 2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2])


def counts(seed=0, n=40):
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 30, size=(n, 3))
    return first, first + rng.integers(0, 6, size=(n, 3))


def test_the_interval_is_scipys_paired_percentile_bootstrap():
    first, second = counts()
    ours = pooled_difference(
        dice, first, second, patients=np.arange(40), rng=np.random.default_rng(1), n_resamples=9999
    )

    def statistic(*columns):
        a, b = np.stack(columns[:3]), np.stack(columns[3:])
        return dice(a.sum(axis=-1).T) - dice(b.sum(axis=-1).T)

    theirs = bootstrap(
        (*first.T, *second.T), lambda *c, axis=-1: statistic(*c), paired=True, vectorized=True,
        method="percentile", n_resamples=9999, rng=np.random.default_rng(2), axis=-1,
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert ours.value == pytest.approx(dice(first.sum(axis=0)) - dice(second.sum(axis=0)))


def test_the_same_scans_twice_make_no_interval_narrower():
    first, second = counts(n=12)
    options = {"rng": np.random.default_rng(3), "n_resamples": 4000}
    once = pooled_difference(dice, first, second, patients=np.arange(12), **options)
    whose = np.repeat(np.arange(12), 2)
    doubled = pooled_difference(
        dice, np.repeat(first, 2, axis=0), np.repeat(second, 2, axis=0), patients=whose, **options
    )
    as_if_new = pooled_difference(
        dice, np.repeat(first, 2, axis=0), np.repeat(second, 2, axis=0), patients=np.arange(24),
        **options,
    )  # fmt: skip
    assert doubled.n == 12
    assert doubled.high - doubled.low == pytest.approx(once.high - once.low, rel=0.1)
    assert as_if_new.high - as_if_new.low < 0.85 * (once.high - once.low)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_exchanging_the_models_changes_the_sign_and_equal_models_do_not_differ(seed):
    first, second = counts(seed, n=10)
    options = {"patients": np.arange(10), "n_resamples": 200}
    one = pooled_difference(dice, first, second, rng=np.random.default_rng(4), **options)
    other = pooled_difference(dice, second, first, rng=np.random.default_rng(4), **options)
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))
    same = pooled_difference(dice, first, first, rng=np.random.default_rng(4), **options)
    assert same.low == same.high == 0


def test_what_does_not_fit_is_refused():
    first, second = counts(n=6)
    options = {"rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match="one patient a scan"):
        pooled_difference(dice, first, second, patients=np.arange(5), **options)
    with pytest.raises(ValueError, match="at least 2"):
        pooled_difference(dice, first, second, patients=np.zeros(6), **options)


def test_a_measure_that_is_nowhere_a_number_and_an_interval_beside_its_estimate_are_refused():
    first, second = counts(n=6)
    options = {"patients": np.arange(6), "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match="not a number in"):
        pooled_difference(lambda c: np.full(c.shape[:-1], np.nan), first, second, **options)
