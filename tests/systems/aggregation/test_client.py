"""A client before a server that lies, repeats itself, or carries changed letters."""

import dataclasses
import itertools

import numpy as np
import pytest

from medlib.systems.aggregation.client import Client, Step
from medlib.systems.aggregation.messages import (
    Roster,
    ShareDelivery,
    Signatures,
    SignedSurvivors,
    SurvivorList,
)
from medlib.systems.aggregation.signing import sign
from tests.systems.aggregation.rehearsal import Rehearsal

R = 4  # the round's number


def refuses(client, step, message, match):
    with pytest.raises(ValueError, match=match):
        getattr(client, step)(message)
    assert client.step is Step.OVER
    with pytest.raises(ValueError, match="what comes next here is: over"):
        getattr(client, step)(message)


def subsets(numbers):
    return itertools.chain.from_iterable(
        itertools.combinations(numbers, k) for k in range(len(numbers) + 1)
    )


@pytest.mark.parametrize("listening", [*subsets((1, 2, 3, 4))])
def test_a_server_that_tells_two_stories_never_gets_both_shares_of_one_client(listening):
    """All 4 others sent; some are told that client 5 did too, the rest that it did not."""
    one = Rehearsal()
    one.inputs = one.to_inputs()
    stories = {True: SurvivorList(R, (1, 2, 3, 4, 5)), False: SurvivorList(R, (1, 2, 3, 4))}
    told = {i: stories[i in listening] for i in (1, 2, 3, 4)} | {5: stories[True]}
    signed = {i: one.clients[i].confirm(told[i]) for i in one.clients}
    own, keys = set(), set()
    for i, client in one.clients.items():
        same = tuple(s for j, s in signed.items() if told[j] == told[i])
        try:
            given = client.reveal(Signatures(R, same))
        except ValueError as refusal:
            assert "signed the same survivors; the threshold is 3" in str(refusal)  # noqa: PT017
            assert client.step is Step.OVER
            continue
        own |= {i for j, _ in given.self_shares if j == 5}
        keys |= {i for j, _ in given.key_shares if j == 5}
    assert not (own and keys), "one share of each is already more than an honest round gives"
    assert own or keys, "the larger group goes on, in good faith"


def test_the_signatures_of_the_other_story_do_not_help():
    one = Rehearsal()
    one.inputs = one.to_inputs()
    all_five, four = SurvivorList(R, (1, 2, 3, 4, 5)), SurvivorList(R, (1, 2, 3, 4))
    signed = [one.clients[i].confirm(all_five if i < 3 else four) for i in (1, 2, 3, 4)]
    refuses(one.clients[1], "reveal", Signatures(R, tuple(signed)), "client 3 under the survivors")


def test_a_client_signs_one_list_and_reveals_once():
    one = Rehearsal()
    signatures = one.to_signatures()
    with pytest.raises(ValueError, match="what comes next here is: reveal"):
        one.clients[1].confirm(SurvivorList(R, (1, 2, 3)))
    one.clients[1].reveal(signatures)
    with pytest.raises(ValueError, match="what comes next here is: over"):
        one.clients[1].reveal(signatures)


def test_what_is_revealed_are_selves_of_survivors_and_keys_of_the_gone():
    one = Rehearsal()
    given = one.clients[2].reveal(one.to_signatures(gone=(1, 4)))
    assert [i for i, _ in given.self_shares] == [2, 3, 5]
    assert [i for i, _ in given.key_shares] == [1, 4]


@pytest.mark.parametrize(
    ("step", "walk"),
    [
        ("share", Rehearsal.to_roster),
        ("mask", lambda one: one.to_deliveries()[1]),
        ("confirm", Rehearsal.to_survivors),
        ("reveal", Rehearsal.to_signatures),
    ],
)
def test_messages_of_an_earlier_round_are_refused_and_the_round_goes_on(step, walk):
    before = Rehearsal(round_number=3)
    old = walk(before)
    now = Rehearsal(identities=before.identities, seed=1)
    new = walk(now)
    with pytest.raises(ValueError, match="a message of round 3; this is 4"):
        getattr(now.clients[1], step)(old)
    getattr(now.clients[1], step)(new)


def renumbered(message):
    return dataclasses.replace(message, round_number=R)


def test_what_is_inside_an_earlier_round_does_not_pass_under_a_new_number():
    """The server may change the number on the outside; what clients made it cannot change."""
    before = Rehearsal(round_number=3)
    signatures = before.to_signatures()
    before_roster = Roster(R, before.server_roster)
    before_delivery = before.deliveries[1]

    now = Rehearsal(identities=before.identities, seed=1)
    now.clients[1].advertise()
    refuses(now.clients[1], "share", before_roster, "own is not as it was sent")
    own = now.clients[2].advertise()
    mixed = tuple(own if a.client == 2 else a for a in before.server_roster)
    refuses(now.clients[2], "share", Roster(R, mixed), "client 1's keys are of round 3")
    own = now.clients[3].advertise()
    mixed = tuple(own if a.client == 3 else renumbered(a) for a in before.server_roster)
    refuses(now.clients[3], "share", Roster(R, mixed), "client 1 under its keys does not fit")

    now = Rehearsal(identities=before.identities, seed=1)
    now.to_deliveries()
    refuses(now.clients[1], "mask", renumbered(before_delivery), "do not open")

    now = Rehearsal(identities=before.identities, seed=1)
    now.to_survivors()
    told = SurvivorList(R, (1, 2, 3, 4, 5))
    now.clients[1].confirm(told)
    refuses(now.clients[1], "reveal", renumbered(signatures), "does not fit")


def test_even_under_the_same_round_number_earlier_signatures_do_not_fit():
    """Keys are fresh, and what is signed names them."""
    before = Rehearsal()
    signatures = before.to_signatures()
    now = Rehearsal(identities=before.identities, seed=1)
    now.to_survivors()
    now.clients[1].confirm(SurvivorList(R, (1, 2, 3, 4, 5)))
    refuses(now.clients[1], "reveal", signatures, "client 1 under .* does not fit")


def changed_roster(roster, whose, **other):
    changed = [
        dataclasses.replace(a, **other) if a.client == whose else a for a in roster.advertisements
    ]
    return Roster(R, tuple(changed))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda r: changed_roster(r, 2, mask_key=b"k" * 32), "client 2 under its keys"),
        (lambda r: changed_roster(r, 1, share_key=b"k" * 32), "own is not as it was sent"),
        (
            lambda r: Roster(R, r.advertisements[:2]),
            "2 clients advertised keys; the threshold is 3",
        ),
        (lambda r: Roster(R, r.advertisements[1:]), "own is not as it was sent"),
        (lambda r: Roster(R, r.advertisements[::-1]), "ascending, once each"),
        (lambda r: Roster(R, r.advertisements + r.advertisements[-1:]), "once each"),
        (lambda r: changed_roster(r, 5, client=9), "clients of the terms"),
        (lambda r: changed_roster(r, 5, mask_key=r.advertisements[1].mask_key), "key stands twice"),
    ],
)
def test_a_roster_that_is_not_what_clients_sent_is_refused(change, match):
    one = Rehearsal()
    refuses(one.clients[1], "share", change(one.to_roster()), match)


def test_who_was_handed_other_weights_is_found_out_before_anybody_masks():
    """Else all others, with gradients of zero, would give their shares and open its update."""
    handed = {i: b"the same for all" for i in (1, 2, 3, 4)} | {5: b"others"}
    one = Rehearsal(weights=handed)
    roster = one.to_roster()
    refuses(one.clients[5], "share", roster, "client 1 under its keys")
    refuses(one.clients[1], "share", roster, "client 5 under its keys")
    apart = Rehearsal(weights=handed)
    kept = Roster(R, apart.to_roster().advertisements[:4])
    assert len(apart.clients[1].share(kept).shares) == 3, "the others go on without it"


def with_first(delivery, **other):
    first, *rest = delivery.shares
    return ShareDelivery(R, delivery.client, (dataclasses.replace(first, **other), *rest))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: with_first(d, sealed=bytes(82)), "shares of client 2 for 1 do not open"),
        (lambda d: with_first(d, nonce=bytes(12)), "do not open"),
        (lambda d: with_first(d, sender=3), "do not open"),
        (lambda d: with_first(d, sender=9), "of 9 came twice, or it is not there"),
        (lambda d: with_first(d, sender=1), "of 1 came twice"),
        (lambda d: ShareDelivery(R, 1, d.shares[:1] * 2), "of 2 came twice"),
        (lambda d: ShareDelivery(R, 1, d.shares[:1]), "2 clients shared keys; the threshold is 3"),
    ],
)
def test_shares_that_were_touched_are_refused(change, match):
    one = Rehearsal()
    refuses(one.clients[1], "mask", change(one.to_deliveries()[1]), match)


def test_anothers_sealed_shares_do_not_open():
    one = Rehearsal()
    refuses(one.clients[1], "mask", one.to_deliveries()[2], "came twice|do not open")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ((2, 3, 4, 5), "client 1 sent its update and is said to be gone"),
        ((1, 2), "2 clients sent an update; the threshold is 3"),
        ((1, 2, 2, 3), "once each"),
        ((1, 2, 3, 9), "of who shared keys"),
    ],
)
def test_survivors_that_cannot_be_are_refused(told, match):
    one = Rehearsal()
    one.to_survivors()
    refuses(one.clients[1], "confirm", SurvivorList(R, told), match)


def test_the_own_signature_is_taken_as_it_was_made_and_no_other_for_it():
    """It is not checked again: so nothing else may pass under the own number."""
    one = Rehearsal()
    mine, *others = one.to_signatures().signatures
    forged = dataclasses.replace(mine, signature=others[0].signature)
    refuses(one.clients[1], "reveal", Signatures(R, (forged, *others)), "client 1 under the surv")


def test_two_signatures_of_one_client_count_once():
    one = Rehearsal()
    first, second, *_ = one.to_signatures().signatures
    few = Signatures(R, (first, second))
    refuses(
        one.clients[1], "reveal", few, "2 clients signed the same survivors; the threshold is 3"
    )
    refuses(one.clients[2], "reveal", Signatures(R, (first, first, second)), "signed twice")


def test_a_stranger_who_signs_is_no_survivor():
    one = Rehearsal()
    signatures = one.to_signatures(gone=(5,))
    message = SurvivorList(R, (1, 2, 3, 4)).signed(one.clients[5]._digest)
    fifth = SignedSurvivors(R, 5, sign(one.identities[5], message))
    more = Signatures(R, (*signatures.signatures, fifth))
    refuses(one.clients[1], "reveal", more, "client 5 signed twice, or is no survivor")


def test_steps_have_an_order():
    one = Rehearsal()
    deliveries = one.to_deliveries()
    with pytest.raises(ValueError, match="asked to confirm; what comes next here is: mask"):
        one.clients[1].confirm(SurvivorList(R, (1, 2, 3)))
    one.clients[1].mask(deliveries[1])


def test_a_client_that_does_not_fit_the_terms_is_refused(seeded):
    one = Rehearsal()
    directory = {i: a.public for i, a in one.identities.items()}
    own = {"terms": one.terms, "identity": one.identities[1], "draw": seeded}
    zeros = np.zeros(6, dtype=np.uint32)
    for number, known in ((9, directory), (1, {1: directory[1]})):
        with pytest.raises(ValueError, match="not in the terms and directory"):
            Client(number, zeros, directory=known, **own)
    with pytest.raises(ValueError, match="5 words; the terms say 6"):
        Client(1, zeros[:5], directory=directory, **own)
