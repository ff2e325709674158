"""The standardised AUC finds what the same patients have without a link, and punishes a tilt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from medlib.translation.radiogenomics.balanced_auc import balanced_auc
from medlib.translation.radiogenomics.standardised_auc import standardised_auc
from medlib.translation.radiogenomics.weighted_auc import weighted_auc


def world(n=60_000, link=2.5):
    """Biology, hospital, and the response with a link and without, of the same patients."""
    draw = np.random.default_rng(3)
    z, site, luck = draw.normal(size=n), draw.integers(2, size=n), draw.random(n)
    odds = 1.6 * z + 1.2 * draw.normal(size=n)  # the second part no score knows
    linked = (luck < expit(odds + link * (2 * site - 1))).astype(int)
    return z, site, linked, (luck < expit(odds)).astype(int)


@given(st.integers(0, 10**6))
def test_a_weighted_auc_is_that_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    scores, response = draw.integers(6, size=30) * 1.0, np.r_[0, 1, draw.integers(2, size=28)]
    weights = draw.uniform(0.1, 2, size=30)
    other = roc_auc_score(response, scores, sample_weight=weights)
    assert weighted_auc(scores, response, weights=weights) == pytest.approx(other)


def test_it_finds_the_auc_without_a_link():
    z, site, linked, unlinked = world()
    found = standardised_auc(z, site, linked)
    assert found == pytest.approx(roc_auc_score(unlinked, z), abs=0.015)
    assert roc_auc_score(linked, z) < found - 0.05, "the usual AUC is far from it"


def test_a_tilt_in_either_direction_is_punished_and_the_balanced_auc_likes_one():
    z, site, linked, _ = world()
    tilts = [-0.4, 0.0, 0.4]
    ours = [standardised_auc(z + tilt * (2 * site - 1), site, linked) for tilt in tilts]
    balanced = [balanced_auc(z + tilt * (2 * site - 1), site, linked) for tilt in tilts]
    assert ours[1] > max(ours[0], ours[2])
    assert balanced[2] > balanced[1], "the response is a collider"


def test_a_score_that_knows_only_the_hospital_is_a_coin():
    _, site, linked, _ = world(2000)
    assert standardised_auc(site.astype(float), site, linked) == pytest.approx(0.5, abs=1e-3)


def test_names_and_scales_of_hospitals_and_scores_do_not_matter():
    z, site, linked, _ = world(2000)
    found = standardised_auc(z, site, linked)
    assert standardised_auc(3 * z + 7, 9 - site, linked) == pytest.approx(found)


def test_what_makes_no_sense_is_refused():
    site, response = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match="finite"):
        standardised_auc(np.array([0, 1, np.nan, 2]), site, response)
    with pytest.raises(ValueError, match="hospital 1 has no patient"):
        standardised_auc(np.arange(4.0), site, np.array([0, 1, 0, 0]))
    with pytest.raises(ValueError, match="not negative"):
        weighted_auc(np.arange(4.0), response, weights=np.array([1.0, 1, -1, 1]))
    with pytest.raises(ValueError, match="no weight"):
        weighted_auc(np.arange(4.0), response, weights=np.array([1.0, 0, 1, 0]))
