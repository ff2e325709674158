"""Without noise it is logistic regression; with it, as much is spent as was said."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from medlib.systems.aggregation.privacy import epsilon_of
from medlib.systems.aggregation.private_training import (
    noise_for_rounds,
    patient_gradients,
    train_privately,
)


def patients(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = np.c_[rng.normal(size=(n, 3)), np.ones(n)]
    return x, (x @ [2.0, -1.0, 0.5, 0.3] + rng.logistic(size=n) > 0).astype(int)


@pytest.mark.parametrize(("epsilon", "rounds"), [(0.5, 20), (2.0, 40), (8.0, 10)])
def test_opacus_counts_the_same(epsilon, rounds):
    sigma = noise_for_rounds(epsilon, 1e-5, rounds=rounds)
    theirs = epsilon_of(noise_multiplier=sigma, delta=1e-5, rounds=rounds)
    assert theirs == pytest.approx(epsilon, abs=0.03)


def test_without_noise_and_clipping_it_is_sklearns_regression():
    x, y = patients()
    how = {"rounds": 3000, "rate": 1.0, "clip": 1e6, "noise_multiplier": 0.0}
    ours = train_privately(x, y, rng=np.random.default_rng(0), **how)
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-9).fit(x, y)
    assert np.allclose(ours, theirs.coef_[0], atol=1e-3)
    assert np.abs(patient_gradients(ours, x, y).sum(axis=0)).max() < 1e-3


def test_hospitals_of_one_size_without_noise_are_their_patients():
    x, y = patients()
    how = {"rounds": 5, "rate": 1.0, "clip": 1e6, "noise_multiplier": 0.0}
    each, groups = (
        train_privately(x, y, rng=np.random.default_rng(0), hospitals=h, **how)
        for h in (None, np.arange(300) % 10)
    )
    assert np.allclose(each, groups)


def test_noise_moves_the_weights_as_far_as_it_says():
    x, y = patients()
    how = {"rounds": 1, "rate": 0.5, "clip": 0.3}
    plain = train_privately(x, y, noise_multiplier=0.0, rng=np.random.default_rng(0), **how)
    moved = [
        train_privately(x, y, noise_multiplier=4.0, rng=np.random.default_rng(s), **how) - plain
        for s in range(500)
    ]
    assert np.std(moved) == pytest.approx(0.5 / 300 * 4.0 * 0.3, rel=0.05)


def test_what_is_wrong_is_refused():
    x, y = patients()
    good = {"rounds": 1, "rate": 1.0, "clip": 1.0, "noise_multiplier": 1.0}
    for bad in ({"rounds": 0}, {"rate": 0.0}):
        with pytest.raises(ValueError, match="at least 1, above 0"):
            train_privately(x, y, rng=np.random.default_rng(0), **good | bad)
    with pytest.raises(ValueError, match="299 labels"):
        train_privately(x, y[1:], rng=np.random.default_rng(0), **good)
    with pytest.raises(ValueError, match="2 hospitals"):
        train_privately(x, y, rng=np.random.default_rng(0), hospitals=np.array([0, 1]), **good)
    with pytest.raises(ValueError, match="rounds is 0"):
        noise_for_rounds(1.0, 1e-5, rounds=0)
