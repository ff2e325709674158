"""Sums: the exact one knows no order, the rounded one does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.systems.repetition.sums import exact_sum, orders_tried, sum_in_order


@given(st.lists(st.floats(-1024, 1024, width=32), min_size=1, max_size=30), st.randoms())
def test_the_exact_sum_is_the_same_in_every_order(numbers, random):
    shuffled = random.sample(numbers, len(numbers))
    assert exact_sum(numbers) == exact_sum(shuffled)


def test_orders_are_added_from_left_to_right():
    numbers = np.random.default_rng(0).normal(size=200).astype(np.float32)
    tried = orders_tried(numbers, orders=5, rng=np.random.default_rng(1))
    again = np.random.default_rng(1)
    assert tried.tolist() == [float(sum_in_order(again.permutation(numbers))) for _ in range(5)]
    assert len(set(tried.tolist())) > 1
    assert np.allclose(tried, exact_sum(numbers), atol=1e-3)


@pytest.mark.parametrize("numbers", [np.zeros(3), np.zeros((2, 2), dtype=np.float32)])
def test_other_numbers_are_refused(numbers):
    with pytest.raises(ValueError, match="one row of float32"):
        orders_tried(numbers, orders=1, rng=np.random.default_rng(0))
