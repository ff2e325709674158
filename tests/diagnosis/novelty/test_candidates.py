"""Every method with every setting of its own."""

import numpy as np

from medlib.diagnosis.novelty.candidates import METHODS, candidates
from medlib.diagnosis.novelty.relative import fit_relative


def cloud(n=60, d=4):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), np.arange(n) % 2


def test_all_scores_are_higher_far_away_but_for_confidence():
    known, labels = cloud()
    for one in candidates(known, labels, logits=lambda x: x[:, :2]):
        near, far = one.score(np.array([[0.1, 0.2, 0, 0], [30.0, -30, 30, 30]]))
        if one.method in ("max-softmax", "energy"):
            assert far <= near  # far along the boundary's normal it is surer
        elif one.method != "relative Mahalanobis":
            assert far > near, one


def test_the_relative_one_is_the_one_fitted_by_itself():
    known, labels = cloud()
    found = [
        one
        for one in candidates(known, labels, logits=lambda x: x[:, :2])
        if one.method == "relative Mahalanobis" and one.setting == "shrinkage 0.5"
    ]
    assert np.allclose(found[0].score(known), fit_relative(known, labels, shrinkage=0.5)(known))


def test_what_the_data_do_not_allow_is_left_out():
    known, labels = cloud(n=10)
    found = list(candidates(known, labels, logits=lambda x: x[:, :2]))
    assert {one.method for one in found} == set(METHODS)
    assert [one.setting for one in found if one.method == "k-th neighbour"] == ["k = 1", "k = 5"]
