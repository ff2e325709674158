"""A server that lies, played with real clients: two groups are told two lists of survivors.

Each group believes that the other is gone. It gives shares of its own self-masks, which open who
stayed, and of the other's mask keys, which open who went. Two such lists together open everybody.
`collusion.learnt` says by counting when that works; here it is tried.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.messages import (
    Signatures,
    SignedSurvivors,
    SurvivorList,
    Terms,
)
from medlib.systems.aggregation.overheard import Overheard
from medlib.systems.aggregation.participants import participants
from medlib.systems.aggregation.signing import sign

__all__ = ["tell_two_lists"]


def tell_two_lists(
    updates: UInt32[np.ndarray, "clients n"],
    *,
    threshold: int,
    rng: np.random.Generator,
    colluders: Collection[int],
    round_number: int = 1,
) -> Overheard:
    """Run a round with honest clients and a server that tells two groups of them two lists.

    The first t - k honest clients are one group, the other honest ones the second. Colluders sign
    both lists. Nobody drops out.

    Args:
        updates: quantised, a row for each client; clients are numbered from 1.
        threshold: t, which the protocol takes above half of the clients only.
        rng: draws all keys and seeds.
        colluders: show the server what they hold, and sign what it likes.
        round_number: of the round.

    Returns:
        What was heard, for `overheard.opened`; its `sum` is zero, for such a round has none.

    Raises:
        ValueError: a number that is no client; or an honest client refuses, because its list is
            shorter than the threshold: the lie fails, and nothing was revealed by that group.

    Example:
        >>> from medlib.systems.aggregation.overheard import opened
        >>> words = np.arange(12, dtype=np.uint32).reshape(6, 2)
        >>> heard = tell_two_lists(words, threshold=4, rng=np.random.default_rng(0),
        ...                        colluders=[1, 2])
        >>> {i: one.tolist() for i, one in sorted(opened(heard).items())}
        {3: [4, 5], 4: [6, 7], 5: [8, 9], 6: [10, 11]}

    Source: Bonawitz et al. 2017, section 6.2, doi:10.1145/3133956.3133982.
    """
    numbers = tuple(range(1, len(updates) + 1))
    inside = {*colluders}
    if not inside <= {*numbers}:
        raise ValueError(f"colluders are {[*colluders]}; clients are numbered 1..{len(updates)}")
    terms = Terms(round_number, numbers, threshold, updates.shape[1])
    clients, server, identities = participants(updates, terms=terms, draw=rng.bytes)
    roster = server.roster([one.advertise() for one in clients.values()])
    deliveries = server.deliver([one.share(roster) for one in clients.values()])
    masked = {i: one.mask(deliveries[i]).words for i, one in clients.items()}

    honest = [i for i in numbers if i not in inside]
    cut = max(threshold - len(inside), 0)
    digest, revealed = roster.digest(terms), []
    for group in (honest[:cut], honest[cut:]):
        told = SurvivorList(round_number, tuple(sorted({*group} | inside)))
        signed = [clients[i].confirm(told) for i in group]
        signed += [
            SignedSurvivors(round_number, i, sign(identities[i], told.signed(digest)))
            for i in inside
        ]
        both = Signatures(round_number, tuple(sorted(signed, key=lambda one: one.client)))
        revealed += [clients[i].reveal(both) for i in group]
    return Overheard(
        terms,
        {one.client: one for one in roster.advertisements},
        masked,
        numbers,
        tuple(revealed),
        {i: dict(clients[i]._held) for i in inside},
        {i: clients[i]._mask_pair.private for i in inside},
        np.zeros_like(updates[0]),
    )
