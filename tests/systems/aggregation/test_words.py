"""Memory for words begins where it should, and is as long as was asked for."""

import numpy as np
import pytest

from medlib.systems.aggregation.words import empty_words


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 2**19 - 1, 2**19, 2**19 + 1, 10**6])
def test_it_begins_at_a_border_and_can_be_written_to_its_end(n):
    kept = [empty_words(n) for _ in range(3)]
    for value, words in enumerate(kept):
        assert words.shape == (n,)
        assert words.dtype == np.uint32
        assert words.ctypes.data % (2**21 if n >= 2**19 else 64) == 0 or n == 0
        words[:] = value
    assert all((words == value).all() for value, words in enumerate(kept)), "each has its own"
