"""The pivotal interval: it keeps its word with two scanners, and knows when there are many."""

import numpy as np
import pytest
import scipy.stats

from medlib.translation.validity.intraclass_correlation import intraclass_correlation
from medlib.translation.validity.pivotal_icc import pivotal_ends, pivotal_icc
from medlib.translation.validity.scanner_sampling import drawn_studies, true_icc


def studies(n, *, scanners, scanner_sd, patients=40, seed=3):
    return drawn_studies(
        n,
        rng=np.random.default_rng(seed),
        n_patients=patients,
        n_scanners=scanners,
        scanner_sd=scanner_sd,
        error_sd=0.3,
    )


@pytest.mark.parametrize("scanner_sd", [0.1, 0.5, 1.0])
def test_it_keeps_its_word_with_two_scanners(scanner_sd):
    tables = studies(600, scanners=2, scanner_sd=scanner_sd)
    low, high = pivotal_ends(tables, rng=np.random.default_rng(0), n_draws=2000)
    truth = true_icc(scanner_sd=scanner_sd, error_sd=0.3)
    held = ((low <= truth) & (truth <= high)).mean()
    assert 0.92 < held <= 0.99


def test_without_scanners_of_their_own_it_is_the_exact_interval():
    """With very many raters the pivot between raters is its mean, and ICC(3,1)'s F remains."""
    rng = np.random.default_rng(4)
    readings = rng.normal(size=(30, 1)) + 0.5 * rng.normal(size=(30, 400))
    low, high = pivotal_ends(readings, rng=np.random.default_rng(0), n_draws=40_000)
    exact = intraclass_correlation(readings, form="3,1")
    assert low == pytest.approx(float(exact.low), abs=0.01)
    assert high == pytest.approx(float(exact.high), abs=0.01)


def test_one_table_of_a_batch_is_that_table():
    tables = studies(3, scanners=3, scanner_sd=0.5)
    low, high = pivotal_ends(tables, rng=np.random.default_rng(1), n_draws=500)
    alone = pivotal_icc(tables[1], rng=np.random.default_rng(1), n_draws=500)
    assert (alone.low, alone.high) == pytest.approx((low[1], high[1]))
    assert alone.n == 3


def test_two_scanners_leave_nearly_the_whole_scale():
    found = pivotal_icc(studies(2, scanners=2, scanner_sd=0.5)[0], rng=np.random.default_rng(0))
    assert found.high - found.low > 0.6
    assert scipy.stats.chi2.ppf(0.025, 1) < 0.001  # the reason: one degree of freedom


@pytest.mark.parametrize("table", [np.ones((1, 2)), np.full((5, 2), np.nan), np.ones((6, 3))])
def test_what_has_no_answer_is_refused(table):
    with pytest.raises(ValueError, match=r"two subjects|not finite|no interval"):
        pivotal_icc(table, rng=np.random.default_rng(0))


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="a hundred draws"):
        pivotal_ends(
            studies(2, scanners=2, scanner_sd=0.5), rng=np.random.default_rng(0), n_draws=9
        )
