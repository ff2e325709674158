"""The exact interval of a share, against tables and its own definition."""

import numpy as np
import pytest
from scipy.stats import binom

from medlib.measures.share_interval import share_of


def test_no_hit_and_nothing_but_hits_have_the_ends_of_the_closed_form():
    end = 0.025 ** (1 / 16)
    all_hit, none_hit = share_of(np.ones(16)), share_of(np.zeros(16))
    assert (all_hit.value, all_hit.high) == (1, 1)
    assert all_hit.low == pytest.approx(end)
    assert (none_hit.value, none_hit.low) == (0, 0)
    assert none_hit.high == pytest.approx(1 - end)


def test_at_each_end_what_was_seen_is_just_not_too_rare():
    found = share_of(np.repeat([1.0, 0.0], [5, 15]))
    assert binom.sf(4, 20, found.low) == pytest.approx(0.025)
    assert binom.cdf(5, 20, found.high) == pytest.approx(0.025)
    assert found.n == 20


def test_a_shared_tie_widens_the_interval_to_both_whole_numbers():
    tied = share_of(np.array([1.0, 0.5, 0.0, 0.0]))
    assert tied.value == 0.375
    assert tied.low == share_of(np.array([1.0, 0, 0, 0])).low
    assert tied.high == share_of(np.array([1.0, 1, 0, 0])).high


@pytest.mark.parametrize("hits", [np.array([]), np.array([0.2, 1.5]), np.array([np.nan])])
def test_what_is_no_hit_and_no_miss_is_refused(hits):
    with pytest.raises(ValueError, match="from 0"):
        share_of(hits)
