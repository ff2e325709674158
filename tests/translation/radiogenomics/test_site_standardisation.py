"""Hospitals end at one mean and spread; a strange one is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from medlib.translation.radiogenomics.site_standardisation import fit_site_scaling


@given(st.integers(0, 99), st.floats(0.2, 5), st.floats(-9, 9))
def test_what_a_hospital_does_to_mean_and_spread_is_undone(seed, scale, shift):
    rng = np.random.default_rng(seed)
    features, site = rng.normal(size=(60, 3)), np.arange(60) % 2
    features[site == 1] = features[site == 1] * scale + shift
    scaled = fit_site_scaling(features, site)(features, site)
    one, other = scaled[site == 0], scaled[site == 1]
    assert np.allclose(one.mean(axis=0), other.mean(axis=0))
    assert np.allclose(one.std(axis=0), other.std(axis=0))
    expected = StandardScaler().fit_transform(features[site == 1])
    assert np.allclose(np.corrcoef(other[:, 0], expected[:, 0])[0, 1], 1)


def test_one_hospital_alone_stays_as_it_is():
    features = np.random.default_rng(0).normal(size=(20, 2))
    site = np.zeros(20, int)
    assert np.allclose(fit_site_scaling(features, site)(features, site), features)


def test_a_difference_of_biology_is_taken_away_as_well():
    rng = np.random.default_rng(1)
    site = np.arange(400) % 2
    biology = rng.normal(size=(400, 1)) + site[:, None]
    scaled = fit_site_scaling(biology, site)(biology, site)[:, 0]
    assert abs(scaled[site == 1].mean() - scaled[site == 0].mean()) < 1e-9


def test_a_strange_hospital_and_one_patient_are_refused():
    features, site = np.zeros((4, 2)), np.array([0, 0, 1, 1])
    scaling = fit_site_scaling(features, site)
    with pytest.raises(ValueError, match="hospital 7 was not there"):
        scaling(features, np.array([0, 0, 7, 1]))
    with pytest.raises(ValueError, match="hospital 1 has one patient"):
        fit_site_scaling(features, np.array([0, 0, 0, 1]))
    with pytest.raises(ValueError, match="one row, one hospital"):
        fit_site_scaling(features, np.array([0, 0]))
