"""A round of which a test takes the steps itself, and can lie between them."""

import dataclasses

import numpy as np

from medlib.systems.aggregation.client import Client
from medlib.systems.aggregation.messages import Terms
from medlib.systems.aggregation.server import Server
from medlib.systems.aggregation.signing import identity


class Rehearsal:
    """n clients and a server; `clients` may be walked by hand, each with weights of its own."""

    def __init__(self, *, n=5, threshold=3, round_number=4, seed=0, identities=None, weights=None):
        rng = np.random.default_rng(seed)
        self.terms = Terms(round_number, tuple(range(1, n + 1)), threshold, 6)
        self.words = {i: rng.integers(0, 2**32, 6, dtype=np.uint32) for i in self.terms.clients}
        self.identities = identities or {i: identity(draw=rng.bytes) for i in self.terms.clients}
        directory = {i: one.public for i, one in self.identities.items()}
        self.clients = {
            i: Client(
                i,
                self.words[i],
                terms=dataclasses.replace(self.terms, weights=(weights or {}).get(i, b"")),
                identity=self.identities[i],
                directory=directory,
                draw=rng.bytes,
            )
            for i in self.terms.clients
        }
        self.server = Server(self.terms)

    def to_roster(self):
        return self.server.roster([one.advertise() for one in self.clients.values()])

    def to_deliveries(self):
        roster = self.to_roster()
        self.server_roster = roster.advertisements
        self.uploads = [one.share(roster) for one in self.clients.values()]
        self.deliveries = self.server.deliver(self.uploads)
        return self.deliveries

    def to_inputs(self, *, gone=()):
        deliveries = self.to_deliveries()
        return [one.mask(deliveries[i]) for i, one in self.clients.items() if i not in gone]

    def to_survivors(self, *, gone=()):
        self.inputs = self.to_inputs(gone=gone)
        return self.server.survivors(self.inputs)

    def to_signatures(self, *, gone=()):
        told = self.to_survivors(gone=gone)
        return self.server.signatures([self.clients[i].confirm(told) for i in told.survivors])
