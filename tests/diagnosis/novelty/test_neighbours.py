"""Distances to the k-th neighbour, against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from medlib.diagnosis.novelty.neighbours import neighbour_scores

RNG = np.random.default_rng(0)
KNOWN, NEW = RNG.normal(size=(40, 6)), RNG.normal(size=(7, 6))


def test_equals_scikit_learn():
    far = NearestNeighbors(n_neighbors=40).fit(KNOWN).kneighbors(NEW)[0]
    found = neighbour_scores(NEW, known=KNOWN, ks=[1, 5, 40])
    assert np.allclose(found, far[:, [0, 4, 39]].T)


def test_an_offset_costs_no_digits_and_order_does_not_matter():
    here = neighbour_scores(NEW, known=KNOWN, ks=[3])
    assert np.allclose(here, neighbour_scores(NEW + 1e5, known=KNOWN + 1e5, ks=[3]), atol=1e-5)
    assert np.allclose(here, neighbour_scores(NEW, known=KNOWN[::-1], ks=[3]))


def test_later_neighbours_are_farther():
    found = neighbour_scores(NEW, known=KNOWN, ks=range(1, 41))
    assert (np.diff(found, axis=0) >= 0).all()


@pytest.mark.parametrize("ks", [[], [0], [41]])
def test_bad_ks_are_refused(ks):
    with pytest.raises(ValueError, match="between 1 and 40"):
        neighbour_scores(NEW, known=KNOWN, ks=ks)
