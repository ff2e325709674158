"""Simulated readings: the closed forms hold, and each validity is blind to the other."""

import numpy as np
import pytest

from medlib.measures.rank_auc import rank_auc
from medlib.translation.validity.intraclass_correlation import intraclass_correlation
from medlib.translation.validity.readings import (
    auc_under_noise,
    icc_under_noise,
    simulated_readings,
)

LABELS = (np.arange(20_000) % 10 < 3).astype(int)


def icc(table, form="1,1"):
    return float(intraclass_correlation(table, form=form).value)


@pytest.mark.parametrize(("separation", "noise"), [(0.0, 0.1), (2.0, 1.0), (1.0, 0.5)])
def test_area_and_correlation_are_the_closed_forms(separation, noise):
    rng = np.random.default_rng(0)
    found = simulated_readings(LABELS, rng=rng, separation=separation, noise=noise)
    expected = auc_under_noise(separation=separation, noise=noise)
    assert rank_auc(found[:, 0, 0], LABELS).value == pytest.approx(expected, abs=0.015)
    retest = icc_under_noise(separation=separation, noise=noise, prevalence=0.3)
    assert icc(found[:, 0]) == pytest.approx(retest, abs=0.012)


def test_reproducible_and_useless_against_useful_and_irreproducible():
    useless = {"separation": 0.0, "noise": 0.1}
    useful = {"separation": 2.0, "noise": 1.5}
    assert icc_under_noise(**useless, prevalence=0.3) > icc_under_noise(**useful, prevalence=0.3)
    assert auc_under_noise(**useless) == 0.5
    assert auc_under_noise(**useful) > 0.75


def test_a_scanners_gain_ruins_agreement_and_leaves_the_area():
    kept = {"separation": 1.5, "noise": 0.2}
    plain, biased = (
        simulated_readings(
            LABELS, rng=np.random.default_rng(1), gains=(1.0, gain), offsets=(0.0, offset), **kept
        )
        for gain, offset in ((1.0, 0.0), (0.6, 3.0))
    )
    for scanner in (0, 1):
        one, two = (rank_auc(x[:, scanner, 0], LABELS).value for x in (plain, biased))
        assert one == pytest.approx(two, abs=1e-12)
    assert icc(plain[:, :, 0], "2,1") > 0.9
    assert icc(biased[:, :, 0], "2,1") < 0.4
    assert icc(biased[:, 1]) == pytest.approx(icc(plain[:, 1]), abs=1e-9)


def test_errors_teach():
    options = {"rng": np.random.default_rng(0), "separation": 1.0, "noise": 0.1}
    with pytest.raises(ValueError, match="0 or 1"):
        simulated_readings(LABELS + 1, **options)
    with pytest.raises(ValueError, match="one gain above 0"):
        simulated_readings(LABELS, gains=(1.0, -1.0), **options)
    with pytest.raises(ValueError, match="not below 0"):
        auc_under_noise(separation=1.0, noise=-1.0)
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        icc_under_noise(separation=1.0, noise=1.0, prevalence=30.0)
