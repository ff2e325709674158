"""Euclid's distance to the nearest mean."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score
from medlib.diagnosis.novelty.nearest_mean import nearest_mean_score

RNG = np.random.default_rng(0)
KNOWN, LABELS, NEW = RNG.normal(size=(30, 4)), np.arange(30) % 3, RNG.normal(size=(8, 4))


def test_equals_scikit_learns_centroids():
    centres = NearestCentroid().fit(KNOWN, LABELS).centroids_
    expected = ((NEW[:, None] - centres) ** 2).sum(axis=2).min(axis=1)
    assert np.allclose(nearest_mean_score(NEW, known=KNOWN, labels=LABELS), expected)


def test_ranks_as_mahalanobis_does_with_all_shrunk():
    ours = nearest_mean_score(NEW, known=KNOWN, labels=LABELS)
    other = mahalanobis_score(fit_gaussians(KNOWN, LABELS, shrinkage=1.0), NEW)
    assert np.argsort(ours).tolist() == np.argsort(other).tolist()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="no image"):
        nearest_mean_score(NEW, known=KNOWN, labels=np.where(LABELS == 1, 2, LABELS))
    with pytest.raises(ValueError, match="30 known"):
        nearest_mean_score(NEW, known=KNOWN, labels=LABELS[:5])
