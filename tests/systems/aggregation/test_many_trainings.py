"""Many trainings at once are the single ones, and their AUC scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medlib.systems.aggregation.many_trainings import auc_of_rows, train_many
from medlib.systems.aggregation.private_training import train_privately

CLIPS, RATES = np.array([0.1, 0.5, 3.0]), np.array([5.0, 1.0, 0.3])


def patients(seed=0):
    rng = np.random.default_rng(seed)
    x = np.c_[rng.normal(size=(40, 5)), np.ones(40)]
    return x, (x[:, 0] + rng.normal(size=40) > 0).astype(int)


@pytest.mark.parametrize("dealt", [None, np.arange(40) % 7])
def test_without_noise_each_is_the_single_training(dealt):
    x, y = patients()
    how = {"rounds": 6, "noise_multiplier": 0.0, "hospitals": dealt}
    many = train_many(x, y, clips=CLIPS, rates=RATES, draws=2, rng=np.random.default_rng(0), **how)
    for weights, clip, rate in zip(many, CLIPS, RATES, strict=True):
        alone = train_privately(x, y, clip=clip, rate=rate, rng=np.random.default_rng(0), **how)
        np.testing.assert_allclose(weights, [alone, alone], atol=1e-5)


@pytest.mark.parametrize("dealt", [None, np.arange(40) % 8])
def test_noise_has_the_size_of_the_single_training(dealt):
    x, y = patients()
    how = {"rounds": 1, "noise_multiplier": 4.0, "hospitals": dealt}
    rng = np.random.default_rng(1)
    many = train_many(x, y, clips=CLIPS, rates=RATES, draws=400, rng=rng, **how)
    participants = 40 if dealt is None else 8
    expected = 4.0 * CLIPS * RATES / participants
    np.testing.assert_allclose(many.std(axis=1).mean(axis=1), expected, rtol=0.06)


def test_auc_is_scikit_learns():
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 9, (3, 30)) / 9, rng.integers(0, 2, 30)
    np.testing.assert_allclose(
        auc_of_rows(scores, labels), [roc_auc_score(labels, row) for row in scores]
    )


def test_bad_input_is_refused():
    x, y = patients()
    how = {"noise_multiplier": 0.0, "rng": np.random.default_rng(0), "rates": RATES}
    for bad in ({"rounds": 0}, {"draws": 0}, {"clips": CLIPS[:2]}, {"clips": -CLIPS}):
        with pytest.raises(ValueError, match=r"at least 1|above 0"):
            train_many(x, y, **{"rounds": 1, "draws": 1, "clips": CLIPS, **how, **bad})
    with pytest.raises(ValueError, match="one each"):
        train_many(x, y[:-1], rounds=1, draws=1, clips=CLIPS, **how)
    with pytest.raises(ValueError, match="some of each"):
        auc_of_rows(np.zeros((1, 3)), np.ones(3, dtype=int))
