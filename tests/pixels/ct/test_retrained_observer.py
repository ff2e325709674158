"""Observers trained again: the spread is of the training, and both methods see the same draw."""

import numpy as np
import pytest
import torch

from medlib.measures.auc import auc
from medlib.pixels.ct.observer import laguerre_gauss, train_observer
from medlib.pixels.ct.retrained_observer import retrained_changes

CHANNELS = laguerre_gauss(size=11, n_channels=3, width_px=5.0)
LEARN, SCORE = 60, 200


def scans(seed, *, lift):
    noise = torch.randn(2, LEARN + SCORE, 11, 11, generator=torch.Generator().manual_seed(seed))
    return noise[0].double() + lift * CHANNELS[0], noise[1].double()


def changes(first, second, *, seed=0, n_resamples=20, n_learn=LEARN):
    rng = np.random.default_rng(seed)
    options = {"channels": CHANNELS, "n_learn": n_learn, "n_resamples": n_resamples}
    return retrained_changes(first, second, rng=rng, **options)


def test_it_is_the_loop_written_out():
    first, second = scans(0, lift=1.5), scans(1, lift=0.5)
    rng = np.random.default_rng(0)
    expected = []
    for _ in range(3):
        learn = rng.integers(LEARN, size=LEARN)
        area = {}
        for name, (present, absent) in {"a": first, "b": second}.items():
            observer = train_observer(present[learn], absent[learn], channels=CHANNELS)
            held_out = observer.score(present[LEARN:]), observer.score(absent[LEARN:])
            area[name] = auc(*held_out).value
        expected.append(area["a"] - area["b"])
    assert changes(first, second, n_resamples=3).tolist() == expected
    assert np.mean(expected) > 0.1  # the stronger signal is found more easily


def test_one_method_against_itself_never_changes():
    pair = scans(0, lift=1.0)
    assert changes(pair, pair).tolist() == [0.0] * 20


def test_a_sharper_image_of_the_same_scans_changes_nothing():
    present, absent = scans(0, lift=1.0)
    np.testing.assert_allclose(changes((3 * present, 3 * absent), (present, absent)), 0, atol=1e-9)


def test_fewer_training_scans_spread_more():
    first, second = scans(0, lift=1.0), scans(1, lift=1.0)
    few = changes(first, second, n_learn=12, n_resamples=40).std()
    assert few > 1.5 * changes(first, second, n_resamples=40).std()


def test_nothing_to_score_or_to_train_is_refused():
    pair = scans(0, lift=1.0)
    with pytest.raises(ValueError, match=r"n_learn = 260 leaves 0 scans"):
        changes(pair, pair, n_learn=LEARN + SCORE)
    with pytest.raises(ValueError, match="train at least once"):
        changes(pair, pair, n_resamples=0)
