"""The dictionary breaks every plain hash and no keyed one; HMAC is RFC 4231's."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.deidentification.pseudonyms import (
    break_plain_hashes,
    keyed_digest,
    plain_hash,
    pseudonym,
)

KEY = bytes(range(32))
NUMBERS = [f"{n:07d}" for n in range(3_000)]


@given(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=5, unique=True))
@settings(max_examples=20)
def test_every_plain_hash_is_broken(patients):
    found = break_plain_hashes([plain_hash(number) for number in patients], NUMBERS)
    assert found.numbers == {plain_hash(number): number for number in patients}
    assert found.tried == max(map(NUMBERS.index, patients)) + 1  # it ends with the last
    assert found.per_second > 0


def test_the_same_numbers_do_not_break_keyed_pseudonyms():
    keyed = [hmac.new(KEY, number.encode(), "sha256").hexdigest() for number in NUMBERS]
    ours = [keyed_digest(KEY, "patient", number).hex() for number in NUMBERS]
    found = break_plain_hashes([*keyed, *ours], NUMBERS)
    assert found.numbers == {}
    assert found.tried == len(NUMBERS)


def test_who_has_the_key_can_try_numbers():
    names = {pseudonym(number, key=KEY): number for number in NUMBERS}
    assert len(names) == len(NUMBERS)
    assert names[pseudonym("0000042", key=KEY)] == "0000042"


def test_the_digest_by_hand():
    # HMAC as RFC 2104 writes it, with the key padded to a block of 64 bytes
    padded = KEY + bytes(32)
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + b"uid\x00" + b"1.2").digest()
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).digest()
    assert keyed_digest(KEY, "uid", "1.2") == outer


def test_purposes_and_keys_do_not_meet():
    same = keyed_digest(KEY, "uid", "1.2")
    assert keyed_digest(KEY, "days", "1.2") != same
    assert keyed_digest(KEY[::-1], "uid", "1.2") != same
    assert keyed_digest(KEY, "ui", "d1.2") != same


def test_padding_is_not_the_patient_but_zeros_are():
    assert pseudonym("42 ", key=KEY) == pseudonym("42\0", key=KEY) == pseudonym("42", key=KEY)
    assert pseudonym("042", key=KEY) != pseudonym("42", key=KEY)


def test_bad_keys_and_purposes_are_refused():
    with pytest.raises(ValueError, match="15 bytes"):
        pseudonym("42", key=bytes(15))
    with pytest.raises(ValueError, match="zero byte"):
        keyed_digest(KEY, "a\0b", "42")
