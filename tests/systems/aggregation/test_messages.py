"""Messages weigh what their fields weigh, differ where anything differs, and terms make sense."""

import dataclasses

import numpy as np
import pytest

from medlib.systems.aggregation.messages import (
    Advertisement,
    MaskedInput,
    Revealed,
    Roster,
    SealedShare,
    ShareDelivery,
    ShareUpload,
    Signatures,
    SignedSurvivors,
    SurvivorList,
    Terms,
)

HEAD = 1 + 8 + 4
KEYS = Advertisement(7, 2, b"m" * 32, b"s" * 32, b"x" * 64)
SEALED = SealedShare(1, 2, bytes(12), bytes(66 + 16))
SIGNED = SignedSurvivors(7, 2, bytes(64))
SIZES = [
    (KEYS, HEAD + 32 + 32 + 64),
    (Roster(7, (KEYS, KEYS)), HEAD + 2 * (HEAD + 128)),
    (SEALED, 4 + 4 + 12 + 82),
    (ShareUpload(7, 1, (SEALED,) * 3), HEAD + 3 * 102),
    (ShareDelivery(7, 1, (SEALED,) * 3), HEAD + 3 * 102),
    (MaskedInput(7, 1, np.zeros(5, dtype=np.uint32)), HEAD + 5 * 4),
    (SurvivorList(7, (1, 2, 5)), HEAD + 4 + 3 * 4),
    (SIGNED, HEAD + 64),
    (Signatures(7, (SIGNED,) * 4), HEAD + 4 * (4 + 64)),
    (Revealed(7, 1, ((1, 5), (2, 6)), ((3, 2**256),)), HEAD + 4 + 4 + 3 * (4 + 33)),
]


@pytest.mark.parametrize(("message", "size"), SIZES, ids=lambda x: type(x).__name__)
def test_sizes(message, size):
    assert len(message.to_bytes()) == size


@pytest.mark.parametrize("kind", ["<u4", ">u4"])
@pytest.mark.parametrize("every", [1, 2])
def test_a_masked_input_in_parts_is_the_same_message(kind, every):
    message = MaskedInput(7, 2, np.arange(10, dtype=kind)[::every])
    head, rest = message.to_buffers()
    assert head + rest == message.to_bytes() == head + message.words.astype("<u4").tobytes()
    assert head == bytes([6, 7, *bytes(7), 2, *bytes(3)])


def test_a_masked_inputs_words_are_not_copied_to_be_sent():
    words = np.arange(5, dtype=np.uint32)
    assert np.shares_memory(words, np.asarray(MaskedInput(7, 2, words).to_buffers()[1]))


def test_kinds_do_not_meet():
    assert len({one.to_bytes()[0] for one, _ in SIZES if one is not SEALED}) == len(SIZES) - 1


@pytest.mark.parametrize(
    "other",
    [
        {"round_number": 8},
        {"client": 3},
        {"mask_key": b"M" * 32},
        {"share_key": b"S" * 32},
    ],
)
def test_what_is_signed_of_keys_holds_all_of_them(other):
    terms = Terms(7, (1, 2, 3), 2, 5)
    assert dataclasses.replace(KEYS, **other).signed(terms) != KEYS.signed(terms)


@pytest.mark.parametrize("other", [{"threshold": 3}, {"length": 6}, {"weights": b"w" * 32}])
def test_what_is_signed_of_keys_holds_the_terms(other):
    terms = Terms(7, (1, 2, 3), 2, 5)
    assert KEYS.signed(dataclasses.replace(terms, **other)) != KEYS.signed(terms)


def test_what_is_signed_of_survivors_holds_round_list_and_roster():
    terms = Terms(7, (1, 2, 3), 2, 5)
    roster = Roster(7, (KEYS,))
    variants = [
        SurvivorList(7, (1, 2)).signed(roster.digest(terms)),
        SurvivorList(7, (1, 3)).signed(roster.digest(terms)),
        SurvivorList(8, (1, 2)).signed(roster.digest(terms)),
        SurvivorList(7, (1, 2)).signed(roster.digest(Terms(7, (1, 2, 3), 3, 5))),
        SurvivorList(7, (1, 2)).signed(Roster(7, (KEYS, KEYS)).digest(terms)),
    ]
    assert len({*variants}) == len(variants)


def test_shares_are_tied_to_round_sender_and_recipient():
    places = {
        SealedShare.context(r, i, j) for r in (1, 2) for i in (1, 2, 3) for j in (1, 2, 3) if i != j
    }
    assert len(places) == 12


def test_secrets_are_not_shown():
    assert "12345" not in repr(Revealed(7, 1, ((1, 12345),), ((3, 12345),)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clients": (1,)}, "two or more"),
        ({"clients": (2, 1, 3)}, "ascending"),
        ({"clients": (1, 1, 3)}, "once"),
        ({"clients": (0, 1, 2)}, "numbers lie in"),
        ({"threshold": 1}, r"must lie in 3\.\.5"),
        ({"threshold": 0}, "threshold is 0"),
        ({"threshold": 6}, "threshold is 6"),
        ({"threshold": 2}, "split them in two"),
        ({"length": 0}, "length is 0"),
        ({"round_number": -1}, "round -1"),
    ],
)
def test_terms_that_make_no_sense_are_refused(change, message):
    good = {"round_number": 1, "clients": (1, 2, 3, 4, 5), "threshold": 3, "length": 2}
    Terms(**good)
    with pytest.raises(ValueError, match=message):
        Terms(**good | change)
