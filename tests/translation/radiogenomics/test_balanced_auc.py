"""A score that only knows the hospital has one half; weights make the two independent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medlib.translation.radiogenomics.balanced_auc import balanced_auc, cell_weights, site_offset


def linked(seed, n=400, share=0.85):
    rng = np.random.default_rng(seed)
    response = rng.integers(2, size=n)
    site = (rng.random(n) < np.where(response == 1, share, 1 - share)).astype(int)
    return rng, site, response


@given(st.integers(0, 999), st.floats(0.3, 0.9))
def test_a_score_of_the_hospital_alone_has_one_half(seed, share):
    _, site, response = linked(seed, share=share)
    assert balanced_auc(3.0 * site, site, response) == pytest.approx(0.5)


def test_it_is_scikit_learns_auc_with_the_cells_weighted_alike():
    rng, site, response = linked(0)
    scores = response + rng.normal(size=400) + site
    weight = np.empty(400)
    for place in (0, 1):
        for value in (0, 1):
            own = (site == place) & (response == value)
            weight[own] = 1 / own.sum()
    assert balanced_auc(scores, site, response) == pytest.approx(
        roc_auc_score(response, scores, sample_weight=weight)
    )


def test_with_one_hospital_it_is_the_auc():
    rng, _, response = linked(1)
    scores = np.round(response + rng.normal(size=400), 1)  # with ties
    assert balanced_auc(scores, np.zeros(400, int), response) == pytest.approx(
        roc_auc_score(response, scores)
    )


@given(st.integers(0, 999))
def test_weights_make_hospital_and_response_independent(seed):
    _, site, response = linked(seed)
    weights = cell_weights(site, response)
    assert weights.mean() == pytest.approx(1)
    together = np.average(site * response, weights=weights)
    assert together == pytest.approx(
        np.average(site, weights=weights) * np.average(response, weights=weights)
    )


def test_the_offset_is_the_log_odds():
    site = np.repeat([0, 1], 100)
    response = np.r_[np.repeat([0, 1], [80, 20]), np.repeat([0, 1], [25, 75])]
    found = site_offset(site, response)
    assert found[0] == pytest.approx(np.log(20.5 / 80.5))
    assert found[1] == pytest.approx(np.log(75.5 / 25.5))


def test_an_empty_cell_is_named():
    site, response = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    with pytest.raises(ValueError, match="hospital 1 has no patient with response 0"):
        balanced_auc(np.zeros(4), site, response)
    with pytest.raises(ValueError, match="one finite number"):
        balanced_auc(np.array([0, np.nan, 0, 0]), site, np.array([0, 1, 0, 1]))
    with pytest.raises(ValueError, match="responses 0 or 1"):
        cell_weights(site, np.array([0, 1, 2, 1]))
