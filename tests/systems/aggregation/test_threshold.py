"""Inside the range nothing is exposed and the round ends; one below, something is."""

import itertools
from math import ceil

import pytest

from medlib.systems.aggregation.collusion import learnt
from medlib.systems.aggregation.threshold import threshold_range


def opened(n, t, k, d, server):
    """Is there a set of d dropouts at most after which some honest update is exposed?"""
    colluders = range(n - k + 1, n + 1)
    return any(
        learnt(n=n, threshold=t, colluders=colluders, dropouts=gone, server=server).exposed
        for size in range(d + 1)
        for gone in itertools.combinations(range(1, n + 1), size)
    )


@pytest.mark.parametrize("server", ["curious", "lying"])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_by_exhaustion(n, server):
    for k, d in itertools.product(range(n - 1), range(n)):
        fit = [t for t in range(1, n - d + 1) if not opened(n, t, k, n, server)]
        try:
            found = [*threshold_range(n, k, d, server=server)]
        except ValueError:
            found = []
        assert found == fit, (n, k, d)


@pytest.mark.parametrize("n", range(4, 60))
def test_with_a_third_colluding_it_is_the_papers_two_thirds(n):
    """One less would do by our count where 3 divides n."""
    fit = threshold_range(n, ceil(n / 3) - 1, 0)
    assert 2 * n // 3 + 1 in fit
    assert fit.start == 2 * n // 3 + (n % 3 > 0)


def test_an_empty_range_is_refused_with_what_would_do():
    with pytest.raises(ValueError, match=r"at least 7, and after 4 dropouts 6 .* most 3 may drop"):
        threshold_range(10, 3, 4)
    with pytest.raises(ValueError, match="of one alone the sum itself tells all"):
        threshold_range(4, 3, 0)
    with pytest.raises(ValueError, match="server is 'mute'"):
        threshold_range(4, 1, 0, server="mute")
