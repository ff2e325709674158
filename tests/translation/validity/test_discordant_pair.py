"""A pair that is discordant is found and confirmed; one biomarker made ever noisier has none."""

import numpy as np
import pytest

from medlib.translation.validity.discordant_pair import (
    leads_of_pair,
    most_discordant,
    reliability,
    resampled_reliability,
)


def patients(n, *, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    true = np.stack([rng.normal(size=n), labels + rng.normal(size=n)], axis=1)
    errors = np.tile([0.1, 0.8], (n, 1))
    return true + errors * rng.normal(size=(n, 2)), errors, labels


def test_reliability_is_the_share_that_is_not_error():
    readings, errors, _ = patients(20000, seed=0)
    assert reliability(readings, errors) == pytest.approx([1 / 1.01, 1.25 / 1.89], abs=0.02)


def test_a_discordant_pair_is_found_and_confirmed_in_others():
    readings, errors, labels = patients(600, seed=1)
    some, others = slice(0, 300), slice(300, 600)
    pair = most_discordant(readings[some], errors[some], labels[some], rng=np.random.default_rng(0))
    assert pair == (0, 1)
    found = leads_of_pair(
        readings[others], errors[others], labels[others], pair=pair, rng=np.random.default_rng(1)
    )
    assert found.more_reliable.low > 0.1
    assert found.more_useful.low > 0.05


def test_one_biomarker_made_noisier_has_no_discordant_pair():
    rng = np.random.default_rng(2)
    labels = np.arange(400) % 2
    noise = np.array([0.0, 0.7, 1.4])
    readings = (labels + rng.normal(size=400))[:, None] + noise * rng.normal(size=(400, 3))
    errors = np.tile(noise, (400, 1)) + 1e-3
    pair = most_discordant(readings[:200], errors[:200], labels[:200], rng=rng)
    found = leads_of_pair(readings[200:], errors[200:], labels[200:], pair=pair, rng=rng)
    assert min(found.more_reliable.low, found.more_useful.low) < 0


def test_readings_and_errors_are_resampled_together():
    readings = np.repeat([[0.0], [1.0]], 50, axis=0)
    drawn = resampled_reliability(
        readings, 0.1 + readings, rng=np.random.default_rng(0), n_resamples=500
    )
    share = 1 - drawn  # mean(SE²)/var rises with the share of ones, which sets both
    assert np.isfinite(share).all()
    assert drawn.mean() == pytest.approx(reliability(readings, 0.1 + readings)[0], abs=0.15)


@pytest.mark.parametrize(
    ("readings", "errors", "says"),
    [
        (np.zeros((1, 2)), np.zeros((1, 2)), "one error a reading"),
        (np.ones((3, 1)), np.zeros((3, 1)), "differ between patients"),
        (np.eye(3), -np.eye(3), "not below 0"),
    ],
)
def test_impossible_readings_are_refused(readings, errors, says):
    with pytest.raises(ValueError, match=says):
        reliability(readings, errors)
