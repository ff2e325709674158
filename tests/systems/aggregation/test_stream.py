"""The key streams of the standards, whatever the length, and their own negative."""

import numpy as np
import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation import stream
from medlib.systems.aggregation.stream import CIPHERS, add_streams, expand, key_stream

# NIST SP 800-38A, F.5.5 CTR-AES256.Encrypt
NIST_KEY = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
NIST_START = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
NIST_PLAIN = (
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
NIST_CIPHER = (
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
)
# RFC 8439, A.1, test vector 1
RFC_STREAM = (
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
    "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
)


def test_nists_vector():
    keys = key_stream(bytes.fromhex(NIST_KEY), 64, start=bytes.fromhex(NIST_START))
    plain = bytes.fromhex(NIST_PLAIN)
    assert bytes(a ^ b for a, b in zip(keys, plain, strict=True)).hex() == NIST_CIPHER


def test_the_vector_of_rfc_8439():
    assert key_stream(bytes(32), 64, cipher="chacha20").hex() == RFC_STREAM


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 32767, 32768, 32769, 100_001])
def test_words_are_the_streams_bytes_little_end_first(n):
    seed = bytes(range(32))
    theirs = AES.new(seed, AES.MODE_CTR, nonce=b"").encrypt(bytes(4 * n))
    assert (expand(seed, n) == np.frombuffer(theirs, dtype="<u4")).all()
    chacha = np.frombuffer(key_stream(seed, 4 * n, cipher="chacha20"), dtype="<u4")
    assert (expand(seed, n, cipher="chacha20") == chacha).all()


BORDERS = [0, 16, 32, 48, 64, 2**17, 2**17 + 32]


@pytest.mark.parametrize("n", [*{b + d for b in BORDERS for d in (-1, 0, 1)} - {-1}, 2**21 + 5])
def test_bytes_are_those_of_counter_mode_whatever_mode_made_them(n):
    """2^21 bytes carry the block counter into its third byte."""
    seed = bytes(range(32))
    assert key_stream(seed, n) == AES.new(seed, AES.MODE_CTR, nonce=b"").encrypt(bytes(n))


@pytest.mark.parametrize("start", [1, 2, 2**32 - 1, 2**64, 2**127, 2**128 - 1])
def test_any_other_start_is_counted_on_from(start):
    seed, first = bytes(range(32)), start.to_bytes(16, "big")
    theirs = AES.new(seed, AES.MODE_CTR, nonce=b"", initial_value=first).encrypt(bytes(100))
    assert key_stream(seed, 100, start=first) == theirs


def test_where_the_counter_of_galois_mode_would_end_counter_mode_goes_on(monkeypatch):
    seed, most = bytes(range(32)), 4096
    whole = AES.new(seed, AES.MODE_CTR, nonce=b"").encrypt(bytes(2 * most))
    monkeypatch.setattr(stream, "_GALOIS_MOST", most)
    for n in (most - 1, most, most + 1, 2 * most):
        assert key_stream(seed, n) == whole[:n]
        head, rest = stream._started(seed, "aes-256-ctr", bytes(16), n)
        assert (head is rest) == (n > most)


@pytest.mark.parametrize("n", [0, 5, 8, 40_000])
@pytest.mark.parametrize("signs", [(), (1,), (-1, 1)])
def test_sums_go_out_and_words_stay_where_that_is_asked_for(n, signs, seeded):
    words = np.frombuffer(seeded(4 * n), dtype=np.uint32)  # not to be written to
    streams = [(seeded(32), sign) for sign in signs]
    out, in_place = np.zeros(n, dtype=np.uint32), words.copy()
    add_streams(words, streams, out=out)
    add_streams(in_place, streams)
    assert (out == in_place).all()


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 70_000),
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.sampled_from([1, -1])), max_size=4),
    st.sampled_from(CIPHERS),
)
def test_what_is_added_is_taken_off_by_its_negative_in_any_order(start, n, streams, cipher):
    words = np.full(n, start, dtype=np.uint32)
    add_streams(words, streams, cipher=cipher)
    by_hand = np.full(n, start, dtype=np.uint64)
    for seed, sign in streams:
        by_hand += np.uint64(2**32) + np.uint64(sign % 2**64) * expand(seed, n, cipher=cipher)
    assert (words == by_hand.astype(np.uint32)).all()
    add_streams(words, [(seed, -sign) for seed, sign in reversed(streams)], cipher=cipher)
    assert (words == start).all()


def test_the_two_ciphers_differ_and_so_do_two_seeds():
    seed, other = bytes(32), bytes(31) + b"\1"
    masks = [expand(s, 1000, cipher=c) for s in (seed, other) for c in CIPHERS]
    for i, one in enumerate(masks):
        assert all((one == two).sum() <= 1 for two in masks[:i])


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="16 and 16 bytes; 32 and 16 are due"):
        expand(bytes(16), 3)
    with pytest.raises(ValueError, match="cipher is 'rc4'"):
        expand(bytes(32), 3, cipher="rc4")
    with pytest.raises(ValueError, match="n is -1"):
        expand(bytes(32), -1)
    with pytest.raises(ValueError, match="n_bytes is -1"):
        key_stream(bytes(32), -1)
    with pytest.raises(ValueError, match="sign is 2"):
        add_streams(np.zeros(1, dtype=np.uint32), [(bytes(32), 2)])
