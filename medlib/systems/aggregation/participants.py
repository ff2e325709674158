"""The clients of one round and their server, with keys that all of them have of each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.client import Client
from medlib.systems.aggregation.messages import Terms
from medlib.systems.aggregation.server import Server
from medlib.systems.aggregation.signing import Identity, identity

__all__ = ["participants"]


def participants(
    updates: UInt32[np.ndarray, "clients n"],
    *,
    terms: Terms,
    draw: Callable[[int], bytes],
    cipher: str = "aes-256-ctr",
) -> tuple[dict[int, Client], Server, dict[int, Identity]]:
    """A client for each row of updates, numbered as in the terms; the server; the signing keys.

    Args:
        updates: quantised, a row for each client.
        terms: of the round.
        draw: gives so many random bytes, for all keys and seeds.
        cipher: that stretches seeds, of client and server alike.

    Example:
        >>> words, terms = np.zeros((4, 2), dtype=np.uint32), Terms(1, (1, 2, 3, 4), 3, 2)
        >>> clients, _, keys = participants(words, terms=terms, draw=np.random.default_rng(0).bytes)
        >>> sorted(clients) == sorted(keys)
        True
    """
    identities = {i: identity(draw=draw) for i in terms.clients}
    directory = {i: one.public for i, one in identities.items()}
    clients = {
        i: Client(
            i, row, terms=terms, identity=identities[i], directory=directory, draw=draw,
            cipher=cipher,
        )
        for i, row in zip(terms.clients, updates, strict=True)
    }  # fmt: skip
    return clients, Server(terms, cipher=cipher), identities
