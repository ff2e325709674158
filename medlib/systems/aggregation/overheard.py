"""A round as the server and its colluders hear it, and every update that they can open with it.

`collusion.learnt` says by algebra who stands exposed. Here the same people try it on real keys,
shares and words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.agreement import context_of, pair_of, shared_seed
from medlib.systems.aggregation.masking import pair_sign
from medlib.systems.aggregation.messages import Advertisement, Revealed, Terms
from medlib.systems.aggregation.participants import participants
from medlib.systems.aggregation.shamir import Share, join
from medlib.systems.aggregation.stream import add_streams

__all__ = ["Overheard", "opened", "overhear"]


@dataclass(frozen=True, eq=False)
class Overheard:
    """What the server saw of a round, and what its colluders hold.

    Attributes:
        terms: of the round.
        there: everybody's advertised keys, by number.
        masked: the masked updates that reached the server, late ones too, by number.
        survivors: who counts.
        revealed: the shares that survivors gave to the server.
        held: by colluder: the shares of everybody's self-mask and mask key that it holds.
        keys: by colluder: its own private mask key.
        sum: of the survivors' words.
    """

    terms: Terms
    there: dict[int, Advertisement]
    masked: dict[int, UInt32[np.ndarray, " n"]]
    survivors: tuple[int, ...]
    revealed: tuple[Revealed, ...] = field(repr=False)
    held: dict[int, dict[int, tuple[int, int]]] = field(repr=False)
    keys: dict[int, bytes] = field(repr=False)
    sum: UInt32[np.ndarray, " n"]


def overhear(
    updates: UInt32[np.ndarray, "clients n"],
    *,
    threshold: int,
    rng: np.random.Generator,
    colluders: Collection[int] = (),
    dropouts: Collection[int] = (),
    late: Collection[int] = (),
    round_number: int = 1,
) -> Overheard:
    """Run a round with an honest protocol and a curious server, and keep what it hears.

    Args:
        updates: quantised, a row for each client; clients are numbered from 1.
        threshold: t.
        rng: draws all keys and seeds.
        colluders: show the server what they hold; they do as the protocol says.
        dropouts: share keys and then count as gone.
        late: those of them whose masked update comes after all.
        round_number: of the round.

    Raises:
        ValueError: a number that is no client, a colluder that drops out, late ones that are no
            dropouts, or fewer than the threshold are left.

    Example:
        >>> words = np.arange(8, dtype=np.uint32).reshape(4, 2)
        >>> heard = overhear(words, threshold=3, rng=np.random.default_rng(0), dropouts=[2])
        >>> heard.sum.tolist(), opened(heard)
        ([10, 13], {})
    """
    numbers = tuple(range(1, len(updates) + 1))
    for name, some in (("colluders", colluders), ("dropouts", dropouts), ("late", late)):
        if not {*some} <= {*numbers}:
            raise ValueError(f"{name} are {[*some]}; clients are numbered 1..{len(updates)}")
    if both := {*colluders} & {*dropouts}:
        raise ValueError(f"clients {sorted(both)} collude and drop out; colluders stay to the end")
    if not {*late} <= {*dropouts}:
        raise ValueError(f"late are {[*late]}, but dropouts {[*dropouts]}; late ones are of them")
    terms = Terms(round_number, numbers, threshold, updates.shape[1])
    clients, server, _ = participants(updates, terms=terms, draw=rng.bytes)
    roster = server.roster([one.advertise() for one in clients.values()])
    deliveries = server.deliver([one.share(roster) for one in clients.values()])
    sent = {
        i: one.mask(deliveries[i]) for i, one in clients.items() if i not in dropouts or i in late
    }
    told = server.survivors([sent[i] for i in numbers if i not in dropouts])
    signatures = server.signatures([clients[i].confirm(told) for i in told.survivors])
    revealed = tuple(clients[i].reveal(signatures) for i in told.survivors)
    return Overheard(
        terms,
        {one.client: one for one in roster.advertisements},
        {i: one.words for i, one in sent.items()},
        told.survivors,
        revealed,
        {i: dict(clients[i]._held) for i in colluders},
        {i: clients[i]._mask_pair.private for i in colluders},
        server.unmask(revealed),
    )


def opened(heard: Overheard) -> dict[int, UInt32[np.ndarray, " n"]]:
    """The updates of honest clients that server and colluders can compute, each by itself.

    All shares are put together, whoever gave them. Where t of a secret are there, it is mended;
    where the self-mask and every pairwise mask of an update are known, they are taken off.

    Returns:
        By number, the words of each honest client that is opened: without a guess, and so right.
    """
    secrets = {i: _mended(heard, i) for i in heard.there}
    clear = {}
    for i, words in heard.masked.items():
        seeds = {j: _pair_seed(heard, secrets, i, j) for j in heard.there if j != i}
        self_seed = secrets[i][0]
        if i in heard.held or self_seed is None or None in seeds.values():
            continue
        plain = words.copy()
        off = [(seed, -pair_sign(i, j)) for j, seed in seeds.items()]
        add_streams(plain, [(self_seed, -1), *off])
        clear[i] = plain
    return clear


def _mended(heard: Overheard, owner: int) -> tuple[bytes | None, bytes | None]:
    """Self-mask seed and private mask key of one client, where enough shares are there."""
    selves: dict[int, int] = {}
    keys: dict[int, int] = {}
    for one in heard.revealed:
        for found, shares in ((selves, one.self_shares), (keys, one.key_shares)):
            if owner in dict(shares):
                found[one.client] = dict(shares)[owner]
    for holder, held in heard.held.items():
        selves[holder], keys[holder] = held[owner]
    return _joined(heard, selves), heard.keys.get(owner) or _joined(heard, keys)


def _joined(heard: Overheard, shares: dict[int, int]) -> bytes | None:
    if len(shares) < heard.terms.threshold:
        return None
    points = [Share(holder, value) for holder, value in shares.items()]
    secret = join(points, threshold=heard.terms.threshold, holders=[*heard.there])
    return secret.to_bytes(32, "little")


def _pair_seed(
    heard: Overheard, secrets: dict[int, tuple[bytes | None, bytes | None]], i: int, j: int
) -> bytes | None:
    """The seed of a pair's mask, from the private key of either."""
    for mine, other in ((i, j), (j, i)):
        private = secrets[mine][1]
        if private is not None:
            keys = heard.there[mine].mask_key, heard.there[other].mask_key
            round_number = heard.terms.round_number
            context = context_of(
                "mask", round_number=round_number, clients=(mine, other), keys=keys
            )
            return shared_seed(pair_of(private), keys[1], context=context)
    return None
