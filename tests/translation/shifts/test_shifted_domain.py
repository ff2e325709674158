"""Domains ranked by harm: by hand, and intervals that are never stretched."""

import numpy as np
import pytest

from medlib.translation.shifts.adaptation_bound import BoundTerms
from medlib.translation.shifts.proxy_distance import ProxyDistance, proxy_from_error
from medlib.translation.shifts.shifted_domain import (
    Redrawn,
    ShiftedDomain,
    rank_correlation,
    ranked_by_harm,
    redrawn_ranks,
)

M = 40


def domain(*, error, missed, joint):
    """A domain with so many mistakes of M: of the head, of the domain's and of the joint one."""
    wrong, at_home, abroad = (np.arange(M) < n for n in (error, joint // 2, joint - joint // 2))
    proxy = ProxyDistance(proxy_from_error(missed / M), 0.0, 2.0, missed / M, M)
    terms = BoundTerms(0.1, proxy.value, joint / M)
    return ShiftedDomain(terms, wrong, (at_home, abroad), proxy)


@pytest.fixture
def domains():
    """The distance ranks them the wrong way round, the joint error rightly."""
    return [domain(error=4 * k, missed=2 + 5 * k, joint=6 * k) for k in range(4)]


def test_a_domain_knows_its_error_and_its_room():
    each = domain(error=10, missed=20, joint=8)
    assert each.error == 0.25
    assert each.room == pytest.approx(0.1 + 0 + 0.2 - 0.25)


def test_ranks_are_those_of_the_numbers(domains):
    found = ranked_by_harm(domains)
    assert found["distance"] == pytest.approx(-1)
    assert found["joint"] == pytest.approx(1)
    bound = [1 - 2 * each.proxy.error + each.terms.joint_error for each in domains]
    assert found["bound"] == rank_correlation(bound, [each.error for each in domains])


def test_only_the_images_that_count_are_counted(domains):
    none_wrong = np.full(M, M - 1)
    assert ranked_by_harm(domains, home=none_wrong, away=none_wrong)["joint"] == 0.0


def test_redrawing_is_reproducible_and_about_the_measured_ranks(domains):
    ranks, lead = redrawn_ranks(domains, rng=np.random.default_rng(1), n_resamples=50)
    again, _ = redrawn_ranks(domains, rng=np.random.default_rng(1), n_resamples=50)
    assert ranks == again
    assert {name: each.value for name, each in ranks.items()} == ranked_by_harm(domains)
    assert lead.value == pytest.approx(2)
    assert 1 < lead.low <= lead.high <= 2


def test_an_interval_that_does_not_hold_its_number_is_left_as_it_is():
    outside = Redrawn(0.9, 0.4, 0.8)
    assert outside.around is None
    assert str(outside) == "0.90 (0.40 to 0.80, outside: above)"
    assert Redrawn(0.1, 0.4, 0.8).around is None
    assert str(Redrawn(0.5, 0.4, 0.8)) == "0.50 (0.40 to 0.80)"
    assert Redrawn(0.5, 0.4, 0.8).around == (0.4, 0.8)


def test_what_does_not_vary_ranks_nothing():
    assert rank_correlation([1.0, 1.0], [0.0, 1.0]) == 0.0
    assert rank_correlation([0.0, 1.0], [1.0, 1.0]) == 0.0
