"""Shrinkage is chosen by validation images, and the test is asked once."""

import numpy as np
import pytest

from medlib.translation.seeing.linear_probe import probe
from medlib.translation.seeing.tuned_probe import tuned_probe


def drawn(n, *, channels, seed):
    """Half of n are shifted in the first channel; all others are noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    features = rng.normal(size=(n, channels))
    features[:, 0] += 1.5 * labels
    return features, labels


def test_the_choice_is_by_validation_and_not_by_test():
    train, validation, test = (drawn(60, channels=200, seed=seed) for seed in range(3))
    strengths = (1e-4, 1e-2, 1.0)
    by_validation = [probe(train, validation, strength=c).auc for c in strengths]
    found = tuned_probe(train, validation, test, strengths=strengths)
    assert found.strength == strengths[int(np.argmax(by_validation))]
    assert found.validation_auc == max(by_validation)
    assert found.auc == probe(train, test, strength=found.strength).auc
    # labels of the test turned round: the choice stays, the score turns
    turned = tuned_probe(train, validation, (test[0], 1 - test[1]), strengths=strengths)
    assert turned.strength == found.strength
    assert turned.auc == pytest.approx(1 - found.auc)


def test_without_anything_to_try_it_says_so():
    part = drawn(10, channels=2, seed=0)
    with pytest.raises(ValueError, match="at least one C"):
        tuned_probe(part, part, part, strengths=())
