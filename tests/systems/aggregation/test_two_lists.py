"""Two lists open everybody exactly where counting says so, and are refused everywhere else."""

import numpy as np
import pytest

from medlib.systems.aggregation.collusion import exposed
from medlib.systems.aggregation.overheard import opened
from medlib.systems.aggregation.two_lists import tell_two_lists

N = 7


def words():
    return np.random.default_rng(3).integers(0, 2**32, (N, 4), dtype=np.uint32)


@pytest.mark.parametrize("threshold", [4, 5, 6])
def test_the_lie_works_exactly_where_counting_says_so(threshold):
    for k in range(threshold - 1):
        inside = [*range(N - k + 1, N + 1)]
        how = {"threshold": threshold, "colluders": inside, "rng": np.random.default_rng(k)}
        expected = exposed(N, threshold, k, server="lying")
        if not expected:
            with pytest.raises(ValueError, match=f"threshold is {threshold}"):
                tell_two_lists(words(), **how)
            continue
        clear = opened(tell_two_lists(words(), **how))
        assert tuple(sorted(clear)) == expected
        assert all((clear[i] == words()[i - 1]).all() for i in clear)


def test_a_stranger_does_not_collude():
    with pytest.raises(ValueError, match=r"numbered 1\.\.7"):
        tell_two_lists(words(), threshold=5, rng=np.random.default_rng(0), colluders=[8])
