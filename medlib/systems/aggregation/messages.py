"""What clients and server send each other in a round, and how many bytes each of it takes.

Numbers are little-endian. A message starts with its kind (1 byte), the round (8) and a client's
number (4; the server is 0). Within one process messages are passed as they are, and `to_bytes` says
what they would weigh on a wire; reading what a stranger sent is not written here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt32

__all__ = [
    "Advertisement",
    "MaskedInput",
    "Revealed",
    "Roster",
    "SealedShare",
    "ShareDelivery",
    "ShareUpload",
    "Signatures",
    "SignedSurvivors",
    "SurvivorList",
    "Terms",
]

SHARE_BYTES = 33  # a number below 2^256 + 297 does not fit into 32
_DOMAIN = b"pixels-to-patients/aggregation/1/"


def _head(kind: int, round_number: int, client: int = 0) -> bytes:
    return bytes([kind]) + round_number.to_bytes(8, "little") + client.to_bytes(4, "little")


def _numbers(clients: tuple[int, ...]) -> bytes:
    counted = len(clients).to_bytes(4, "little")
    return counted + b"".join(client.to_bytes(4, "little") for client in clients)


@dataclass(frozen=True)
class Terms:
    """What all parties know before a round.

    Attributes:
        round_number: never used twice by one federation.
        clients: numbers of all who may take part, ascending, each 1..2^32 - 1.
        threshold: t, how many must stay to the end; above half, since otherwise a lying server
            could tell two groups of t two different stories.
        length: words of an update.
        weights: a digest of the weights that the update is of, which each client takes itself of
            what it was handed: so a server that hands out different weights finds no two clients
            who agree on masks. Empty where there are none.
    """

    round_number: int
    clients: tuple[int, ...]
    threshold: int
    length: int
    weights: bytes = b""

    def __post_init__(self) -> None:
        n = len(self.clients)
        if n < 2 or [*self.clients] != sorted({*self.clients}):
            raise ValueError(f"clients are {self.clients}; two or more, ascending, each once")
        if not (self.clients[0] >= 1 and self.clients[-1] < 2**32):
            raise ValueError(f"clients are {self.clients}; numbers lie in 1..2^32-1")
        if not n < 2 * self.threshold <= 2 * n:
            raise ValueError(
                f"threshold is {self.threshold}; with {n} clients it must lie in "
                f"{n // 2 + 1}..{n}: with half or fewer a lying server can split them in two"
            )
        if self.length < 1 or not 0 <= self.round_number < 2**64:
            raise ValueError(
                f"length is {self.length} and round {self.round_number}; at least 1, and 0..2^64-1"
            )

    def to_bytes(self) -> bytes:
        sizes = self.threshold.to_bytes(4, "little") + self.length.to_bytes(8, "little")
        return _head(0, self.round_number) + sizes + _numbers(self.clients) + self.weights


@dataclass(frozen=True)
class Advertisement:
    """Up, first: a client's two public keys of this round, under its long-lived signature."""

    round_number: int
    client: int
    mask_key: bytes
    share_key: bytes
    signature: bytes = b""

    def signed(self, terms: Terms) -> bytes:
        """The bytes that the signature is for: the keys, and the terms as this client has them.

        The terms have to be in it, and not in a later signature alone: whoever was handed other
        weights is to be found out before anybody masks an update together with it.
        """
        head = _head(1, self.round_number, self.client)
        agreed = hashlib.sha256(_DOMAIN + terms.to_bytes()).digest()
        return _DOMAIN + head + self.mask_key + self.share_key + agreed

    def to_bytes(self) -> bytes:
        head = _head(1, self.round_number, self.client)
        return head + self.mask_key + self.share_key + self.signature


@dataclass(frozen=True)
class Roster:
    """Down: everybody's advertisements."""

    round_number: int
    advertisements: tuple[Advertisement, ...]

    def to_bytes(self) -> bytes:
        return _head(2, self.round_number) + b"".join(a.to_bytes() for a in self.advertisements)

    def digest(self, terms: Terms) -> bytes:
        """32 bytes that stand for the terms and for who is there with which fresh keys."""
        return hashlib.sha256(_DOMAIN + terms.to_bytes() + self.to_bytes()).digest()


@dataclass(frozen=True)
class SealedShare:
    """One client's two shares for another, encrypted and authenticated."""

    sender: int
    recipient: int
    nonce: bytes
    sealed: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        return _numbers((self.sender, self.recipient))[4:] + self.nonce + self.sealed

    @staticmethod
    def context(round_number: int, sender: int, recipient: int) -> bytes:
        """What is authenticated with it, so that it fits in no other place."""
        return _DOMAIN + _head(3, round_number) + _numbers((sender, recipient))


@dataclass(frozen=True)
class ShareUpload:
    """Up, second: sealed shares for all others."""

    round_number: int
    client: int
    shares: tuple[SealedShare, ...]

    def to_bytes(self) -> bytes:
        return _head(4, self.round_number, self.client) + b"".join(
            s.to_bytes() for s in self.shares
        )


@dataclass(frozen=True)
class ShareDelivery:
    """Down: what the others sealed for one client."""

    round_number: int
    client: int
    shares: tuple[SealedShare, ...]

    def to_bytes(self) -> bytes:
        return _head(5, self.round_number, self.client) + b"".join(
            s.to_bytes() for s in self.shares
        )


@dataclass(frozen=True, eq=False)
class MaskedInput:
    """Up, third: the masked update."""

    round_number: int
    client: int
    words: UInt32[np.ndarray, " n"]

    def to_buffers(self) -> tuple[bytes, memoryview]:
        """The message in two parts, for a gathering write: the words stay where they lie."""
        words = np.ascontiguousarray(self.words, dtype="<u4")
        return _head(6, self.round_number, self.client), words.view(np.uint8).data

    def to_bytes(self) -> bytes:
        return b"".join(self.to_buffers())


@dataclass(frozen=True)
class SurvivorList:
    """Down: whose masked updates arrived."""

    round_number: int
    survivors: tuple[int, ...]

    def to_bytes(self) -> bytes:
        return _head(7, self.round_number) + _numbers(self.survivors)

    def signed(self, roster_digest: bytes) -> bytes:
        """What a client signs: this list, for this roster. An earlier round's keys were others."""
        return _DOMAIN + self.to_bytes() + roster_digest


@dataclass(frozen=True)
class SignedSurvivors:
    """Up, fourth: "this is the list that I was told"."""

    round_number: int
    client: int
    signature: bytes

    def to_bytes(self) -> bytes:
        return _head(8, self.round_number, self.client) + self.signature


@dataclass(frozen=True)
class Signatures:
    """Down: what the others signed."""

    round_number: int
    signatures: tuple[SignedSurvivors, ...]

    def to_bytes(self) -> bytes:
        return _head(9, self.round_number) + b"".join(s.to_bytes()[9:] for s in self.signatures)


@dataclass(frozen=True)
class Revealed:
    """Up, last: of each survivor the share of its self-mask, of each other the share of its key.

    Attributes:
        self_shares: (client, value), of survivors.
        key_shares: (client, value), of those who shared keys and sent no update.
    """

    round_number: int
    client: int
    self_shares: tuple[tuple[int, int], ...] = field(repr=False)
    key_shares: tuple[tuple[int, int], ...] = field(repr=False)

    def to_bytes(self) -> bytes:
        body = b""
        for shares in (self.self_shares, self.key_shares):
            body += _numbers(tuple(client for client, _ in shares))
            body += b"".join(value.to_bytes(SHARE_BYTES, "little") for _, value in shares)
        return _head(10, self.round_number, self.client) + body
