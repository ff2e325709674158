"""A head finds what a chain alone cannot: a cut, a fork; and nothing but itself passes for it."""

import json
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.ledger.entry import Draft, entry_after
from medlib.systems.ledger.signed_head import (
    SignedHead,
    equivocation,
    head_fault,
    sign_head,
    signature_fault,
)
from medlib.systems.ledger.signing_keys import key_id

NOON = "2024-05-03T12:00:00Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {key_id(KEY.public_key()): KEY.public_key()}


def chain(n, note="note", before=()):
    entries = list(before)
    while len(entries) < n:
        last = entries[-1] if entries else None
        entries.append(entry_after(last, Draft(note, {"n": len(entries)}), time=NOON))
    return entries


def head(entries, key=KEY):
    return sign_head(entries, key=key, time=NOON)


@given(st.integers(1, 8), st.integers(1, 8))
@settings(max_examples=30)
def test_a_chain_that_grew_agrees_and_one_that_was_cut_does_not(signed, now):
    fault = head_fault(head(chain(signed)), chain(now), keys=KEYS)
    if now >= signed:
        assert fault is None
    else:
        assert fault.wrong == "truncated"
        assert f"has {now} entries" in fault.detail


@given(st.integers(0, 4), st.integers(1, 6))
@settings(max_examples=30)
def test_a_fork_is_found_by_every_head_behind_it(shared, signed):
    trunk = chain(shared)
    one, other = chain(7, "one", trunk), chain(7, "other", trunk)
    fault = head_fault(head(one[:signed]), other, keys=KEYS)
    assert (fault and fault.wrong) == (None if signed <= shared else "forked")


def test_two_heads_of_one_index_prove_a_fork():
    one, other = chain(4, "one"), chain(4, "other")
    heads = [head(one[:2]), head(one), head(other[:3]), head(other)]
    assert equivocation(heads, keys=KEYS) == (heads[1], heads[3])
    assert equivocation(heads[:3], keys=KEYS) is None
    forged = replace(heads[3], time="2024-05-03T12:00:01Z")
    assert equivocation([heads[1], forged], keys=KEYS) is None
    assert equivocation([heads[1], heads[1]], keys=KEYS) is None


@pytest.mark.parametrize(
    "change",
    [
        {"index": 1},
        {"digest": "1" * 64},
        {"time": "2024-05-03T12:00:01Z"},
        {"signature": "0" * 128},
        {"signature": ""},
        {"signature": "no hexadecimal"},
    ],
)
def test_an_altered_head_is_found(change):
    altered = replace(head(chain(3)), **change)
    assert head_fault(altered, chain(3), keys=KEYS).wrong == "altered signature"
    assert signature_fault(altered, keys=KEYS).wrong == "altered signature"


@given(st.integers(0, 511))
@settings(max_examples=40)
def test_every_bit_of_the_signature_counts(bit):
    right = head(chain(2))
    flipped = bytearray(bytes.fromhex(right.signature))
    flipped[bit // 8] ^= 1 << bit % 8
    altered = replace(right, signature=flipped.hex())
    assert signature_fault(altered, keys=KEYS).wrong == "altered signature"


def test_an_unknown_key_is_told():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    by_other = head(chain(3), key=other)
    assert head_fault(by_other, chain(3), keys=KEYS).wrong == "unknown key"
    assert head_fault(head(chain(3)), chain(3), keys={}).wrong == "unknown key"
    disguised = {by_other.key_id: KEY.public_key()}
    assert head_fault(by_other, chain(3), keys=disguised).wrong == "unknown key"


def test_a_broken_chain_is_neither_signed_nor_passed():
    entries = chain(4)
    right = head(entries)
    entries[1] = replace(entries[1], body={"n": 99})
    assert head_fault(right, entries, keys=KEYS).wrong == "broken chain"
    with pytest.raises(ValueError, match="broken chain is not signed"):
        head(entries)
    with pytest.raises(ValueError, match="empty ledger"):
        head([])


def test_another_implementation_verifies_the_signature():
    eddsa = pytest.importorskip("Crypto.Signature.eddsa")
    signed = head(chain(3))
    raw = KEY.public_key().public_bytes_raw()
    theirs = eddsa.new(eddsa.import_public_key(raw), "rfc8032")
    said = {name: getattr(signed, name) for name in ("index", "digest", "time", "key_id")}
    text = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    theirs.verify(b"pixels-to-patients ledger head v1\n" + text, bytes.fromhex(signed.signature))
    with pytest.raises(ValueError, match="not authentic"):
        theirs.verify(text, bytes.fromhex(signed.signature))


def test_all_that_a_head_says_is_signed():
    assert {one.name for one in fields(SignedHead)} == {
        "index", "digest", "time", "key_id", "signature",
    }  # fmt: skip
