"""What server and colluders open with real keys is what the algebra says, and bit for bit right."""

import numpy as np
import pytest

from medlib.systems.aggregation.collusion import learnt
from medlib.systems.aggregation.overheard import opened, overhear

N, T = 6, 4


def words(seed=0):
    return np.random.default_rng(seed).integers(0, 2**32, (N, 5), dtype=np.uint32)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_opened_is_what_the_algebra_says(seed):
    rng = np.random.default_rng(seed)
    order = [int(i) for i in rng.permutation(np.arange(1, N + 1))]
    n_gone = int(rng.integers(0, N - T + 1))
    gone, inside = order[:n_gone], order[n_gone : n_gone + int(rng.integers(0, N - n_gone))]
    late = gone[: int(rng.integers(0, n_gone + 1))]
    updates = words(seed)
    heard = overhear(updates, threshold=T, rng=rng, colluders=inside, dropouts=gone, late=late)
    clear = opened(heard)
    view = learnt(n=N, threshold=T, colluders=inside, dropouts=gone, late=late)
    assert tuple(sorted(clear)) == view.exposed
    assert all((clear[i] == updates[i - 1]).all() for i in clear)
    stayed = [i - 1 for i in heard.survivors]
    assert (heard.sum == updates[stayed].sum(axis=0, dtype=np.uint32)).all()


def test_as_many_as_the_threshold_open_all_and_one_fewer_opens_none():
    rng = np.random.default_rng(1)
    few = opened(overhear(words(), threshold=T, rng=rng, colluders=range(1, T)))
    many = opened(overhear(words(), threshold=T, rng=rng, colluders=range(1, T + 1)))
    assert few == {}
    assert sorted(many) == [5, 6]


def test_a_late_update_stays_closed():
    heard = overhear(words(), threshold=T, rng=np.random.default_rng(2), dropouts=[3], late=[3])
    assert 3 in heard.masked
    assert opened(heard) == {}


def test_what_is_wrong_is_refused():
    rng = np.random.default_rng(0)
    for bad, message in [
        ({"colluders": [7]}, "colluders are"),
        ({"colluders": [1], "dropouts": [1]}, "collude and drop out"),
        ({"late": [1]}, "late ones are of them"),
        ({"dropouts": [1, 2, 3]}, "the threshold is 4"),
    ]:
        with pytest.raises(ValueError, match=message):
            overhear(words(), threshold=T, rng=rng, **bad)
