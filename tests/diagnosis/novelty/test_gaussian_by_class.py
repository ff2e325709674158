"""Hotelling's law is exact for Gaussians however few, and finds what is not one."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from medlib.diagnosis.novelty.gaussian_by_class import (
    hotelling_alarms,
    leading_directions,
    shapiro_by_direction,
)


def test_is_exact_for_few_gaussian_images():
    rng = np.random.default_rng(0)
    shares = [
        hotelling_alarms(rng.normal(size=(12, 5)), rng.normal(size=(50, 5)), level=0.05).mean()
        for _ in range(600)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.006)


def test_finds_heavy_tails():
    rng = np.random.default_rng(1)
    heavy = rng.standard_t(3, size=(4000, 6))
    assert hotelling_alarms(heavy[:2000], heavy[2000:], level=0.001).mean() > 0.01


def test_an_invertible_map_changes_nothing():
    rng = np.random.default_rng(2)
    a, b, turn = rng.normal(size=(30, 4)), rng.normal(size=(200, 4)), rng.normal(size=(4, 4))
    here = hotelling_alarms(a, b, level=0.2)
    assert np.array_equal(here, hotelling_alarms(a @ turn + 3, b @ turn + 3, level=0.2))


def test_directions_are_principal_axes_within_classes():
    rng = np.random.default_rng(3)
    labels = np.arange(90) % 3
    spread = rng.normal(size=(90, 5)) * np.array([5, 3, 1, 0.5, 0.1])
    features = spread + 40 * np.eye(5)[4] * labels[:, None]  # classes lie apart in the calmest
    found = leading_directions(features, labels, count=2)
    rest = features - np.stack([features[labels == c].mean(axis=0) for c in range(3)])[labels]
    peer = PCA(2).fit(rest).components_
    assert np.allclose(np.abs((found.T * peer).sum(axis=1)), 1, atol=1e-6)


def test_directions_of_the_same_images_flag_too_few_and_those_of_others_the_level():
    rng, same, other = np.random.default_rng(4), [], []
    for _ in range(60):
        a, b, new = rng.normal(size=(60, 40)), rng.normal(size=(60, 40)), rng.normal(size=(200, 40))
        for found, seen in ((same, a), (other, b)):
            axes = leading_directions(seen, np.zeros(60, int), count=8)
            found.append(hotelling_alarms(a @ axes, new @ axes, level=0.05).mean())
    assert np.mean(same) < 0.02
    assert np.mean(other) == pytest.approx(0.05, abs=0.008)


def test_shapiro_rejects_gaussians_at_its_level_and_a_mixture_always():
    rng = np.random.default_rng(5)
    labels = np.arange(600) % 2
    p = shapiro_by_direction(rng.normal(size=(600, 300)) * (1 + labels[:, None]), labels)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.025)
    two = rng.normal(size=(600, 5)) + 4 * rng.integers(2, size=(600, 1))
    assert (shapiro_by_direction(two, labels) < 1e-6).all()
    with pytest.raises(ValueError, match="three at least"):
        shapiro_by_direction(np.zeros((3, 2)), np.array([0, 0, 1]))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="more are needed"):
        hotelling_alarms(np.zeros((3, 3)), np.zeros((2, 3)), level=0.05)
    with pytest.raises(ValueError, match="between 1 and"):
        leading_directions(np.zeros((4, 2)), np.zeros(4, int), count=3)
