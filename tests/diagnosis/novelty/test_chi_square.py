"""What χ² promises, and when it keeps it."""

import numpy as np
import pytest
import scipy.stats

from medlib.diagnosis.novelty.chi_square import (
    chi_square_alarms,
    chi_square_quantiles,
    class_moments,
    flagged_by_chi_square,
    gaussian_stand_in,
    own_distances,
)
from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score


def test_holds_for_gaussians_with_many_images_and_few_features():
    rng = np.random.default_rng(0)
    labels = np.arange(20_000) % 2
    features = rng.normal(size=(20_000, 3)) + labels[:, None]
    one = fit_gaussians(features, labels, shrinkage=0.0)
    flagged = chi_square_alarms(own_distances(one, features, labels), d=3, level=0.05).mean()
    assert flagged == pytest.approx(0.05, abs=0.005)


def test_fails_for_gaussians_with_few_images():
    rng = np.random.default_rng(1)
    known, new = rng.normal(size=(100, 40)), rng.normal(size=(2000, 40))
    one = fit_gaussians(known, np.zeros(100, int), shrinkage=0.0)
    zeros = np.zeros(2000, int)
    new_share = chi_square_alarms(own_distances(one, new, zeros), d=40, level=0.05).mean()
    old_share = chi_square_alarms(own_distances(one, known, zeros[:100]), d=40, level=0.05).mean()
    assert new_share > 0.5
    assert old_share < 0.05


def test_quantiles_are_scipys():
    values = scipy.stats.chi2.rvs(5, size=500, random_state=0)
    expected, found = chi_square_quantiles(values, d=5)
    (theirs, ordered), _ = scipy.stats.probplot(values, dist=scipy.stats.chi2(5))
    assert np.array_equal(found, ordered)
    assert np.corrcoef(expected, theirs)[0, 1] > 0.9999


def test_the_nearest_class_is_never_farther_than_ones_own():
    rng = np.random.default_rng(2)
    labels = np.arange(60) % 3
    features = rng.normal(size=(60, 4))
    one = fit_gaussians(features, labels)
    assert (mahalanobis_score(one, features) <= own_distances(one, features, labels)).all()


def test_the_stand_in_has_each_class_mean_and_covariance():
    rng = np.random.default_rng(3)
    labels = np.arange(400) % 2
    features = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3)) * (1 + labels[:, None]) + 5
    means, covariances = class_moments(features, labels)
    assert np.allclose(covariances[1], np.cov(features[1::2].T))
    many = np.arange(400_000) % 2
    drawn = gaussian_stand_in(means, covariances, many, rng=rng)
    for c in range(2):
        assert np.allclose(drawn[many == c].mean(axis=0), means[c], atol=0.05)
        assert np.allclose(np.cov(drawn[many == c].T), covariances[c], rtol=0.05, atol=0.05)


def test_flagged_is_distance_and_law_together():
    rng = np.random.default_rng(4)
    labels = np.arange(90) % 2
    old, new = rng.normal(size=(90, 4)), rng.normal(size=(90, 4)) * 1.5
    squared = own_distances(fit_gaussians(old, labels), new, labels)
    limit = scipy.stats.chi2.ppf(0.9, 4)
    found = flagged_by_chi_square(old, labels, new, labels, level=0.1)
    assert np.array_equal(found, squared > limit)


def test_a_class_of_one_image_has_no_covariance():
    with pytest.raises(ValueError, match="class 1 has 1 image"):
        class_moments(np.zeros((3, 2)), np.array([0, 0, 1]))


def test_bad_input_is_refused():
    one = fit_gaussians(np.random.default_rng(0).normal(size=(9, 2)), np.zeros(9, int))
    with pytest.raises(ValueError, match="at most 1"):
        own_distances(one, np.zeros((2, 2)), np.array([0, 1]))
    with pytest.raises(ValueError, match="out of range"):
        chi_square_alarms(np.ones(2), d=0, level=0.05)
    with pytest.raises(ValueError, match="out of range"):
        chi_square_quantiles(np.array([]), d=2)
