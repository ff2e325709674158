"""A short seed is found, with it the update; a long one is out of reach by any count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.quantisation import plan, quantise
from medlib.systems.aggregation.stream import expand
from medlib.systems.aggregation.weak_seed import first_words, legacy_mask, search, seconds_for


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
@settings(max_examples=20)
def test_first_words_are_the_generators(seeds):
    theirs = [np.random.RandomState(s).randint(0, 2**32, 227, dtype=np.uint32) for s in seeds]
    for n in (1, 227):
        ours = first_words(np.array(seeds, dtype=np.uint32), n=n)
        assert (ours == np.stack(theirs)[:, :n].T).all()


@pytest.mark.parametrize("bits", [12, 14])
def test_the_seed_is_found_and_the_update_to_the_bit(bits):
    by = plan(clip=1.0, clients=10)
    rng = np.random.default_rng(bits)
    words = quantise(rng.uniform(-1, 1, 40), by=by).words
    secret = int(rng.integers(2**bits))
    masked = words + legacy_mask(secret, 40)
    done = search(masked, bits=bits, largest=by.levels)
    assert done.seeds == (secret,)
    assert done.tried == 2**bits
    assert done.per_second > 0
    assert (masked - legacy_mask(secret, 40) == words).all()


def test_a_mask_of_256_bits_is_not_among_them():
    words = np.zeros(40, dtype=np.uint32)
    assert search(words + expand(bytes(32), 40), bits=12, largest=2**27).seeds == ()


def test_few_words_leave_several_seeds():
    """The chance that the docstring states: 2^12 × (1/8)^3 = 8 wrong ones."""
    masked = legacy_mask(77, 3)
    found = search(masked, bits=12, largest=2**28).seeds
    assert 77 in found
    assert 2 <= len(found) <= 25


def test_values_at_both_ends_fit_and_one_beyond_does_not():
    for value, fits in [(5, True), (-5, True), (6, False), (-6, False)]:
        masked = legacy_mask(9, 4) + np.uint32(value % 2**32)
        assert (9 in search(masked, bits=4, largest=5).seeds) == fits


def test_time_doubles_with_each_bit_and_256_bits_take_for_ever():
    assert seconds_for(29, per_second=1e6) == 2 * seconds_for(28, per_second=1e6)
    years = seconds_for(256, per_second=1e18) / 3.156e7
    assert years > 1e50


def test_what_is_wrong_is_refused():
    one = np.zeros(1, dtype=np.uint32)
    with pytest.raises(ValueError, match=r"seed is 4294967296; the legacy generator takes 0"):
        legacy_mask(2**32, 1)
    for masked, bits, largest in [(one[:0], 4, 5), (one, 0, 5), (one, 33, 5), (one, 4, 2**31)]:
        with pytest.raises(ValueError, match="words, bits"):
            search(masked, bits=bits, largest=largest)
    for n in (0, 228):
        with pytest.raises(ValueError, match=f"n is {n}; it must lie in"):
            first_words(one, n=n)
    with pytest.raises(ValueError, match="per_second 0"):
        seconds_for(3, per_second=0.0)
