"""Patient-level intervals: SciPy's bootstrap where tiles are patients, wider where they are not."""

import inspect

import numpy as np
import pytest
import scipy.stats

from medlib.measures.patient_bootstrap import patient_mean


def rng(seed=0):
    return np.random.default_rng(seed)


def test_equals_scipys_bootstrap_with_one_tile_a_patient():
    values = rng().normal(size=40)
    ours = patient_mean(values, np.arange(40), rng=rng(1), n_resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=rng(2)
    ).confidence_interval
    np.testing.assert_allclose(ours.interval, theirs, atol=0.02)
    assert ours.value == pytest.approx(values.mean())


def test_more_tiles_of_the_same_patients_do_not_shorten_the_interval():
    values = rng().normal(size=10)
    once = patient_mean(values, np.arange(10), rng=rng(1))
    often = patient_mean(np.repeat(values, 50), np.repeat(np.arange(10), 50), rng=rng(1))
    np.testing.assert_allclose(often.interval, once.interval)
    as_tiles = patient_mean(np.repeat(values, 50), np.arange(500), rng=rng(1))
    assert np.diff(as_tiles.interval) < 0.25 * np.diff(often.interval)


def test_covers_the_truth_about_as_often_as_it_says():
    hits = []
    for seed in range(200):
        draw = rng(seed)
        patient = np.repeat(draw.normal(size=20), 5)
        found = patient_mean(
            patient + draw.normal(size=100), np.repeat(np.arange(20), 5), rng=draw, n_resamples=400
        )
        hits.append(found.low <= 0 <= found.high)
    assert 0.87 <= np.mean(hits) <= 0.98  # percentile intervals of 20 are a little short


def test_tiles_without_a_value_are_left_out():
    values = np.array([1.0, np.nan, 3.0, 5.0])
    found = patient_mean(values, np.array(["a", "a", "b", "b"]), rng=rng())
    assert (found.value, found.n_patients, found.n_tiles) == (2.5, 2, 3)


def test_the_order_and_the_names_of_patients_change_nothing():
    values, whose = rng().normal(size=12), np.repeat([3, 1, 2], 4)
    mixed = rng(5).permutation(12)
    a = patient_mean(values, whose, rng=rng(1))
    b = patient_mean(values[mixed], whose[mixed] + 10, rng=rng(1))
    assert a.value == pytest.approx(b.value)
    np.testing.assert_allclose(a.interval, b.interval)


def test_one_patient_is_no_sample():
    with pytest.raises(ValueError, match="at least 2"):
        patient_mean(np.ones(5), np.zeros(5, int), rng=rng())
    with pytest.raises(ValueError, match="one a tile"):
        inspect.unwrap(patient_mean)(np.ones(5), np.zeros(4, int), rng=rng())
