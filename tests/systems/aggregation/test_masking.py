"""Masks cancel: with all there, and with some gone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.masking import mask, pair_sign, unmask
from medlib.systems.aggregation.stream import CIPHERS, expand


@st.composite
def rounds(draw):
    """Words of a few clients with uneven numbers, all their seeds, and who is still there."""
    numbers = draw(st.lists(st.integers(1, 99), min_size=2, max_size=6, unique=True))
    n = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    words = {i: rng.integers(0, 2**32, n, dtype=np.uint32) for i in numbers}
    own = {i: rng.bytes(32) for i in numbers}
    pairs = {(i, j): rng.bytes(32) for i in numbers for j in numbers if i < j}
    stay = draw(st.sets(st.sampled_from(numbers), min_size=1))
    return words, own, pairs, stay


def seed_of(pairs, i, j):
    return pairs[min(i, j), max(i, j)]


def sent_by(i, words, own, pairs, cipher):
    seeds = {j: seed_of(pairs, i, j) for j in words if j != i}
    return mask(words[i], me=i, self_seed=own[i], pair_seeds=seeds, cipher=cipher)


@settings(max_examples=40)
@given(rounds(), st.sampled_from(CIPHERS))
def test_the_sum_of_masked_is_the_plain_sum_and_the_self_masks(one, cipher):
    words, own, pairs, _ = one
    total = sum(sent_by(i, words, own, pairs, cipher) for i in words)
    n = len(next(iter(words.values())))
    plain = sum(words.values()) + sum(expand(b, n, cipher=cipher) for b in own.values())
    assert (total == plain).all()


@settings(max_examples=40)
@given(rounds(), st.sampled_from(CIPHERS))
def test_what_the_gone_leave_behind_is_taken_off(one, cipher):
    words, own, pairs, stay = one
    total = sum(sent_by(i, words, own, pairs, cipher) for i in stay)
    orphaned = {(i, d): seed_of(pairs, i, d) for i in stay for d in words.keys() - stay}
    found = unmask(total, self_seeds=[own[i] for i in stay], orphaned=orphaned, cipher=cipher)
    assert (found == sum(words[i] for i in stay)).all()


def test_the_clients_words_are_left_alone():
    words = np.arange(3, dtype=np.uint32)
    mask(words, me=1, self_seed=bytes(32), pair_seeds={2: bytes(32)})
    assert words.tolist() == [0, 1, 2]


def test_one_side_adds_what_the_other_subtracts():
    assert (pair_sign(1, 2), pair_sign(2, 1)) == (1, -1)
    with pytest.raises(ValueError, match="client 4 has no pairwise mask with itself"):
        pair_sign(4, 4)
