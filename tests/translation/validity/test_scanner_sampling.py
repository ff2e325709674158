"""Coverage of ICC(2,1): right where scanners are alike, too low where two were drawn from many."""

import numpy as np
import pytest

from medlib.translation.validity.scanner_sampling import (
    coverage_of_intervals,
    drawn_studies,
    true_icc,
)


def covered(scanner_sd, n_scanners, **more):
    return coverage_of_intervals(
        400,
        rng=np.random.default_rng(5),
        n_patients=60,
        n_scanners=n_scanners,
        scanner_sd=scanner_sd,
        error_sd=0.3,
        **more,
    )


def test_it_keeps_its_word_where_scanners_do_not_differ():
    found = covered(0.0, 2)
    assert found.by_f.high > 0.95
    assert found.over_patients.value > 0.88
    assert found.pivotal.value > 0.93


def test_two_scanners_are_no_population_and_eight_are_nearer_to_one():
    two, eight = covered(0.5, 2), covered(0.5, 8)
    assert two.by_f.high < 0.85
    assert two.over_patients.value < two.by_f.value - 0.2
    assert eight.by_f.low > two.by_f.high
    assert two.width_over_patients < two.width_by_f
    assert two.pivotal.high > 0.95 > eight.by_f.low
    assert eight.width_pivotal < 0.6 < two.width_pivotal


def test_the_truth_is_what_many_patients_and_scanners_give():
    readings = drawn_studies(
        2,
        rng=np.random.default_rng(0),
        n_patients=400,
        n_scanners=400,
        scanner_sd=0.5,
        error_sd=0.3,
    )
    first = readings[0]
    share = first.mean(axis=1).var() / (
        first.mean(axis=1).var() + first.mean(axis=0).var() + 0.3**2
    )
    assert share == pytest.approx(true_icc(scanner_sd=0.5, error_sd=0.3), abs=0.05)


@pytest.mark.parametrize(
    "wrong", [{"n_scanners": 1}, {"scanner_sd": -0.1}, {"error_sd": 0.0}, {"n_patients": 1}]
)
def test_impossible_studies_are_refused(wrong):
    given = {"n_patients": 5, "n_scanners": 3, "scanner_sd": 0.1, "error_sd": 0.1} | wrong
    with pytest.raises(ValueError, match="two or more"):
        drawn_studies(3, rng=np.random.default_rng(0), **given)
