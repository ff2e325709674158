"""Labels dealt anew agree with the truth neither by design nor by luck."""

import numpy as np
import pytest

from medlib.pixels.maps.dealt_labels import dealt_labels


@pytest.mark.parametrize("seed", range(5))
def test_half_of_each_class_is_called_positive(seed):
    truth = np.arange(40) < 24
    dealt = dealt_labels(truth, rng=np.random.default_rng(seed))
    assert dealt.dtype == np.int64
    assert (dealt[truth].sum(), dealt[~truth].sum()) == (12, 8)


def test_each_deal_is_another_and_of_an_odd_class_the_smaller_half_is_positive():
    truth = np.arange(31) < 17
    deals = [dealt_labels(truth, rng=np.random.default_rng(seed)) for seed in range(2)]
    assert [int(dealt[truth].sum()) for dealt in deals] == [8, 8]
    assert not np.array_equal(*deals)
