"""Relative Mahalanobis out of two of scikit-learn's distances."""

import numpy as np
from sklearn.covariance import LedoitWolf

from medlib.diagnosis.novelty.relative import fit_relative


def test_equals_the_difference_of_two_distances_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    features = rng.normal(size=(80, 6)) + 3 * labels[:, None]
    new = rng.normal(size=(10, 6)) * 4
    means = np.stack([features[labels == c].mean(axis=0) for c in (0, 1)])
    tied = LedoitWolf(assume_centered=True).fit(features - means[labels])
    overall = LedoitWolf().fit(features)
    near = np.min([tied.mahalanobis(new - m) for m in means], axis=0)
    expected = near - overall.mahalanobis(new)
    assert np.allclose(fit_relative(features, labels)(new), expected, rtol=1e-8)


def test_directions_in_which_classes_are_alike_hardly_count():
    rng = np.random.default_rng(1)
    labels = np.arange(4000) % 2
    features = rng.normal(size=(4000, 2)) + np.array([8.0, 0.0]) * labels[:, None]
    score = fit_relative(features, labels, shrinkage=0.0)
    usual, aside, between = score(np.array([[0.0, 0.0], [0.0, 6.0], [4.0, 0.0]]))
    assert abs(aside - usual) < 1.0  # six standard deviations, in the direction without classes
    assert between > usual + 5
