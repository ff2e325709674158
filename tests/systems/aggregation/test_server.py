"""The server's steps: enough, in order, of this round; and what a wrong share does."""

import dataclasses

import numpy as np
import pytest

from medlib.systems.aggregation.messages import ShareUpload
from medlib.systems.aggregation.shamir import PRIME
from tests.systems.aggregation.rehearsal import Rehearsal


def revealed(one, *, gone=()):
    signatures = one.to_signatures(gone=gone)
    return [one.clients[s.client].reveal(signatures) for s in signatures.signatures]


def test_the_sum_comes_out_in_whatever_order_messages_come():
    one = Rehearsal()
    total = one.server.unmask(revealed(one, gone=(2,))[::-1])
    assert (total == sum(one.words[i] for i in (1, 3, 4, 5))).all()


def test_any_t_of_those_who_reveal_are_enough():
    one = Rehearsal()
    total = one.server.unmask(revealed(one, gone=(2,))[1:])
    assert (total == sum(one.words[i] for i in (1, 3, 4, 5))).all()


def test_steps_have_an_order_and_an_end():
    one = Rehearsal()
    with pytest.raises(ValueError, match="asked for survivors; what comes next here is: roster"):
        one.server.survivors([])
    one.server.unmask(given := revealed(one))
    with pytest.raises(ValueError, match="nothing, the round is over"):
        one.server.unmask(given)


def test_fewer_than_t_end_the_round():
    one = Rehearsal()
    inputs = one.to_inputs(gone=(1, 2, 3))
    with pytest.raises(ValueError, match="2 clients are left at 'survivors'; the threshold is 3"):
        one.server.survivors(inputs)


def test_who_speaks_twice_or_came_back_is_refused():
    one = Rehearsal()
    inputs = one.to_inputs()
    with pytest.raises(ValueError, match=r"clients \[1, 1, 2, 3\] speak"):
        one.server.survivors([inputs[0], *inputs[:3]])
    told = one.server.survivors(inputs[:4])
    late = one.clients[5]
    assert told.survivors == (1, 2, 3, 4)
    signed = [one.clients[i].confirm(told) for i in told.survivors]
    again = dataclasses.replace(signed[0], client=late.number)
    with pytest.raises(ValueError, match=r"\[1, 2, 3, 4\] may"):
        one.server.signatures([*signed, again])


def test_another_round_is_refused():
    before = Rehearsal(round_number=3)
    old = [c.advertise() for c in before.clients.values()]
    with pytest.raises(ValueError, match="client 1 speaks of round 3; this is 4"):
        Rehearsal().server.roster(old)


@pytest.mark.parametrize(
    "shares",
    [
        lambda uploads: uploads[0].shares[1:],
        lambda uploads: uploads[0].shares + uploads[0].shares[:1],
        lambda uploads: (
            dataclasses.replace(uploads[0].shares[0], sender=3),
            *uploads[0].shares[1:],
        ),
    ],
    ids=["one too few", "one twice", "one in another's name"],
)
def test_shares_other_than_one_of_its_own_for_each_are_refused(shares):
    one = Rehearsal()
    roster = one.to_roster()
    uploads = [client.share(roster) for client in one.clients.values()]
    wrong = ShareUpload(4, 1, shares(uploads))
    with pytest.raises(ValueError, match=r"due is one of its own for each of \[2, 3, 4, 5\]"):
        one.server.deliver([wrong, *uploads[1:]])


def test_a_short_update_is_refused():
    one = Rehearsal()
    inputs = one.to_inputs()
    short = dataclasses.replace(inputs[0], words=inputs[0].words[:5])
    with pytest.raises(ValueError, match="client 1 sent 5 words; 6 are due"):
        one.server.survivors([short, *inputs[1:]])


def with_value(given, field, at, value):
    shares = list(getattr(given, field))
    shares[at] = (shares[at][0], value)
    return dataclasses.replace(given, **{field: tuple(shares)})


def test_a_wrong_share_of_a_key_is_noticed():
    one = Rehearsal()
    given = revealed(one, gone=(2,))
    value = given[0].key_shares[0][1]
    # not by 1: the key would differ in bits alone that X25519 does not read
    given[0] = with_value(given[0], "key_shares", 0, (value + 10**40) % PRIME)
    with pytest.raises(ValueError, match="mended key of client 2 is not its own"):
        one.server.unmask(given)


def test_a_wrong_share_of_a_self_mask_makes_a_wrong_sum_unnoticed():
    one = Rehearsal()
    given = revealed(one)
    value = given[0].self_shares[0][1]
    given[0] = with_value(given[0], "self_shares", 0, (value + 1) % PRIME)
    assert (one.server.unmask(given) != sum(one.words.values())).mean() > 0.5


def test_shares_that_lead_out_of_32_bytes_are_noticed():
    one = Rehearsal()
    given = [with_value(g, "self_shares", 0, 2**256 + 5) for g in revealed(one)]
    with pytest.raises(ValueError, match="shares of client 1 do not belong together"):
        one.server.unmask(given)


def test_shares_that_were_not_asked_for_are_refused():
    one = Rehearsal()
    given = revealed(one, gone=(2,))
    given[0] = dataclasses.replace(given[0], self_shares=given[0].self_shares[1:])
    with pytest.raises(ValueError, match="client 1 gave shares of"):
        one.server.unmask(given)


def test_what_the_server_adds_up_is_not_the_sum_until_it_is_unmasked():
    one = Rehearsal()
    one.to_survivors()
    assert (one.server._total != sum(one.words.values())).all()
    assert not any(np.shares_memory(one.server._total, i.words) for i in one.inputs)
