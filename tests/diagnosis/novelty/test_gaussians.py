"""Tied Gaussians against scikit-learn's covariance estimators and scipy's distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf, ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from medlib.diagnosis.novelty.gaussians import LEDOIT_WOLF, fit_gaussians, mahalanobis_score


def clouds(seed: int, n: int = 60, d: int = 5, classes: int = 3):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = (
        rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
        + 2 * rng.normal(size=(classes, d))[labels]
    )
    return features, labels, rng.normal(size=(9, d)) * 3


def residuals(features, labels):
    means = np.stack([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    return features - means[labels], means


@pytest.mark.parametrize("d", [5, 90])
def test_ledoit_wolf_equals_scikit_learns_distance(d):
    features, labels, new = clouds(0, d=d)
    rest, means = residuals(features, labels)
    peer = LedoitWolf(assume_centered=True).fit(rest)
    ours = fit_gaussians(features, labels)
    assert ours.shrinkage == pytest.approx(peer.shrinkage_)
    theirs = np.stack([peer.mahalanobis(new - m) for m in means], axis=1)
    assert np.allclose(ours.distances(new), theirs, rtol=1e-8)
    assert np.allclose(mahalanobis_score(ours, new), theirs.min(axis=1), rtol=1e-8)


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.9])
def test_a_given_shrinkage_equals_scikit_learns(amount):
    features, labels, new = clouds(1)
    rest, means = residuals(features, labels)
    peer = ShrunkCovariance(shrinkage=amount, assume_centered=True).fit(rest)
    ours = fit_gaussians(features, labels, shrinkage=amount).distances(new)
    assert np.allclose(ours[:, 1], peer.mahalanobis(new - means[1]), rtol=1e-8)


def test_one_pair_equals_scipys():
    features, labels, new = clouds(2)
    rest, means = residuals(features, labels)
    inverse = np.linalg.inv(rest.T @ rest / len(rest))
    ours = fit_gaussians(features, labels, shrinkage=0.0).distances(new)
    assert ours[4, 2] == pytest.approx(mahalanobis(new[4], means[2], inverse) ** 2)


def test_the_nearest_class_is_that_of_linear_discriminant_analysis():
    features, labels, new = clouds(3)
    peer = LinearDiscriminantAnalysis(solver="lsqr", priors=np.full(3, 1 / 3))
    ours = fit_gaussians(features, labels, shrinkage=0.0).distances(new)
    assert ours.argmin(axis=1).tolist() == peer.fit(features, labels).predict(new).tolist()


@given(st.integers(0, 50))
def test_an_invertible_linear_map_changes_nothing_without_shrinkage(seed):
    features, labels, new = clouds(seed)
    rng = np.random.default_rng(seed + 1)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0] * rng.uniform(0.5, 2, size=5)
    here = fit_gaussians(features, labels, shrinkage=0.0).distances(new)
    there = fit_gaussians(features @ turn + 4, labels, shrinkage=0.0).distances(new @ turn + 4)
    assert np.allclose(here, there, rtol=1e-6)


def test_all_shrunk_is_euclids_distance_in_other_units():
    features, labels, new = clouds(4)
    rest, means = residuals(features, labels)
    ours = fit_gaussians(features, labels, shrinkage=1.0).distances(new)
    euclid = ((new[:, None] - means) ** 2).sum(axis=2)
    assert np.allclose(ours, euclid / (rest**2).sum(axis=1).mean() * 5, rtol=1e-9)


def test_a_common_offset_costs_no_digits():
    features, labels, new = clouds(5)
    here = fit_gaussians(features, labels).distances(new)
    far = fit_gaussians(features + 1e6, labels).distances(new + 1e6)
    assert np.allclose(here, far, rtol=1e-5)


def test_bad_input_is_refused():
    features, labels, _ = clouds(6)
    with pytest.raises(ValueError, match="class 1 of 3 has no image"):
        fit_gaussians(features[labels != 1], labels[labels != 1])
    with pytest.raises(ValueError, match="no Cholesky factor"):
        fit_gaussians(features * np.array([1, 1, 1, 1, 0]), labels, shrinkage=0.0)
    for amount in (-0.1, 1.1, "Oracle"):
        with pytest.raises(ValueError, match=LEDOIT_WOLF):
            fit_gaussians(features, labels, shrinkage=amount)
    with pytest.raises(ValueError, match="n >= 2"):
        fit_gaussians(features, labels[:-1])
    with pytest.raises(ValueError, match=r"expected \(n, 5\)"):
        fit_gaussians(features, labels).distances(features[:, :3])
