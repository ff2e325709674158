"""Bits: the same is the same, a turned bit is one bit, and distances are those of NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medlib.systems.repetition.bits import (
    bits_differing,
    flip_bit,
    relative_distance,
    share_differing,
    units_in_last_place,
)

FLOATS = arrays(np.float32, st.integers(1, 20), elements=st.floats(-1024, 1024, width=32))


@given(FLOATS)
def test_nothing_differs_from_itself(numbers):
    assert share_differing(numbers, numbers.copy()) == 0
    assert bits_differing(numbers, numbers.copy()) == 0
    assert not units_in_last_place(numbers, numbers.copy()).any()


@given(FLOATS, st.integers(1, 50))
def test_units_count_the_numbers_in_between(numbers, steps):
    further = numbers
    for _ in range(steps):
        further = np.nextafter(further, np.float32(np.inf))
    assert (units_in_last_place(numbers, further) == steps).all()
    assert (units_in_last_place(further, numbers) == steps).all()


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4))), st.data())
def test_a_turned_bit_is_one_bit_and_turns_back(grey, data):
    place = data.draw(st.integers(0, grey.size - 1))
    bit = data.draw(st.integers(0, 7))
    turned = flip_bit(grey, place=place, bit=bit)
    assert np.bitwise_count(turned ^ grey).sum() == 1
    assert (flip_bit(turned, place=place, bit=bit) == grey).all()


def test_zero_and_minus_zero_differ_in_a_bit_and_are_no_distance_apart():
    zeros = np.float32([0.0]), np.float32([-0.0])
    assert share_differing(*zeros) == 1
    assert units_in_last_place(*zeros).tolist() == [0]


def test_it_reads_an_array_that_is_not_contiguous():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    assert (flip_bit(grey, place=1) != grey).sum() == 1
    assert flip_bit(grey, place=1)[0, 1] == grey[0, 1] ^ 1


@pytest.mark.parametrize(
    ("one", "other", "word"),
    [
        (np.zeros(2), np.zeros(2), "float64"),
        (np.float32([1]), np.float32([1, 2]), "differ"),
        (np.float32([]), np.float32([]), "no numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(one, other, word):
    with pytest.raises(ValueError, match=word):
        share_differing(one, other)


@pytest.mark.parametrize(("place", "bit"), [(2, 0), (-1, 0), (0, 8), (0, -1)])
def test_bits_that_are_not_there(place, bit):
    with pytest.raises(ValueError, match="no bit"):
        flip_bit(np.zeros(2, dtype=np.uint8), place=place, bit=bit)


def test_bits_of_floats_are_not_turned():
    with pytest.raises(ValueError, match="integers"):
        flip_bit(np.zeros(2, dtype=np.float32), place=0)


@given(FLOATS)
def test_the_relative_distance_of_twice_the_numbers_is_one(numbers):
    if np.linalg.norm(numbers.astype(float)):
        assert relative_distance(numbers, 2 * numbers) == 1
        assert relative_distance(numbers, numbers) == 0
    else:
        with pytest.raises(ValueError, match="all zero"):
            relative_distance(numbers, numbers)
