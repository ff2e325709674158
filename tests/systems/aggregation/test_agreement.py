"""Both sides find one secret, nobody finds it for them, and no two uses share it."""

import itertools

import pytest
from Crypto.Hash import SHA256
from Crypto.Protocol import DH
from Crypto.Protocol.KDF import HKDF

from medlib.systems.aggregation.agreement import (
    KeyPair,
    context_of,
    key_pair,
    pair_of,
    shared_seed,
)

# RFC 7748, section 6.1
ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
TOGETHER = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

LOW_ORDER = [  # every u-coordinate of order 1, 2, 4 or 8, canonical or not
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def test_keys_of_the_standard_come_out():
    assert pair_of(bytes.fromhex(ALICE)).public.hex() == ALICE_PUBLIC
    assert pair_of(bytes.fromhex(BOB)).public.hex() == BOB_PUBLIC


@pytest.mark.parametrize(("mine", "theirs"), [(ALICE, BOB_PUBLIC), (BOB, ALICE_PUBLIC)])
@pytest.mark.parametrize("context", [b"", b"round 7"])
def test_the_seed_is_what_another_library_derives_from_the_standards_secret(mine, theirs, context):
    seed = shared_seed(pair_of(bytes.fromhex(mine)), bytes.fromhex(theirs), context=context)
    assert seed == HKDF(bytes.fromhex(TOGETHER), 32, b"", SHA256, context=context)


def test_another_librarys_exchange_agrees_on_fresh_keys(seeded):
    for _ in range(5):
        one, two = key_pair(draw=seeded), key_pair(draw=seeded)
        theirs = DH.key_agreement(
            static_priv=DH.import_x25519_private_key(one.private),
            static_pub=DH.import_x25519_public_key(two.public),
            kdf=lambda secret: HKDF(secret, 32, b"", SHA256, context=b"here"),
        )
        assert theirs == shared_seed(one, two.public, context=b"here")
        assert theirs == shared_seed(two, one.public, context=b"here")


@pytest.mark.parametrize("point", LOW_ORDER)
def test_points_of_low_order_are_refused(point):
    with pytest.raises(ValueError, match=f"{point} is a point of low order"):
        shared_seed(pair_of(bytes.fromhex(ALICE)), bytes.fromhex(point), context=b"")


def test_contexts_differ_in_whatever_differs_and_not_in_the_order_of_the_two():
    one, two = b"1" * 32, b"2" * 32
    found = {
        context_of(purpose, round_number=r, clients=clients, keys=keys)
        for purpose, r, clients, keys in itertools.product(
            ("mask", "share"), (0, 1, 256), ((1, 2), (1, 3), (2, 3)), ((one, two), (two, one))
        )
    }
    assert len(found) == 2 * 3 * 3 * 2
    there = context_of("mask", round_number=5, clients=(1, 2), keys=(one, two))
    assert there == context_of("mask", round_number=5, clients=(2, 1), keys=(two, one))


@pytest.mark.parametrize(
    ("purpose", "round_number", "clients", "message"),
    [
        ("sign", 0, (1, 2), "purpose is 'sign'"),
        ("mask", -1, (1, 2), "round -1"),
        ("mask", 2**64, (1, 2), "rounds are in"),
        ("mask", 0, (0, 2), "clients 1"),
        ("mask", 0, (3, 3), "cannot agree with itself"),
    ],
)
def test_contexts_that_mean_nothing_are_refused(purpose, round_number, clients, message):
    with pytest.raises(ValueError, match=message):
        context_of(purpose, round_number=round_number, clients=clients, keys=(b"", b""))


def test_a_key_that_was_opened_once_is_the_same_pair_and_shows_no_more():
    pair, again = (pair_of(bytes.fromhex(ALICE)) for _ in range(2))
    shown = repr(pair)
    assert pair.opened is pair.opened
    assert (pair, repr(pair)) == (again, shown)


def test_lengths_are_checked_and_private_keys_not_shown():
    pair = pair_of(bytes.fromhex(ALICE))
    with pytest.raises(ValueError, match="31 bytes; X25519 takes 32"):
        shared_seed(pair, bytes(31), context=b"")
    with pytest.raises(ValueError, match="33 bytes; X25519 takes 32"):
        pair_of(bytes(33))
    assert ALICE not in repr(pair)
    assert "private" not in repr(KeyPair(b"secret", b"open"))
