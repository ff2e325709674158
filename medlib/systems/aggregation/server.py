"""The server of one round: it carries sealed letters and adds up what it cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.agreement import context_of, pair_of, shared_seed
from medlib.systems.aggregation.masking import unmask
from medlib.systems.aggregation.messages import (
    Advertisement,
    MaskedInput,
    Revealed,
    Roster,
    ShareDelivery,
    ShareUpload,
    Signatures,
    SignedSurvivors,
    SurvivorList,
    Terms,
)
from medlib.systems.aggregation.shamir import Share, join

__all__ = ["Server"]

_STEPS = ("roster", "deliver", "survivors", "signatures", "unmask")


class Server:
    """An honest server; `client.Client` is built for one that is not.

    Each step takes the messages that came and says what goes out. Whoever is missing from one step
    is missing from all later ones.

    Args:
        terms: of this round.
        cipher: as the clients use.

    Raises:
        ValueError: from every step: fewer than the threshold are left, a client speaks twice, or
            out of turn, or for another round.

    Source: Bonawitz et al. 2017, figure 4, doi:10.1145/3133956.3133982.
    """

    def __init__(self, terms: Terms, *, cipher: str = "aes-256-ctr") -> None:
        self._terms, self._cipher = terms, cipher
        self._taken = 0
        self._left: tuple[int, ...] = terms.clients  # who may speak now

    def roster(self, advertisements: Iterable[Advertisement]) -> Roster:
        """Who is there, with which keys."""
        came = self._came("roster", advertisements)
        self._mask_keys = {a.client: a.mask_key for a in came}
        return Roster(self._terms.round_number, tuple(came))

    def deliver(self, uploads: Iterable[ShareUpload]) -> dict[int, ShareDelivery]:
        """Sealed shares sorted by who shall open them."""
        there = set(self._left)
        came = self._came("deliver", uploads)
        for upload in came:
            sealed_for = sorted(s.recipient for s in upload.shares)
            own = all(s.sender == upload.client for s in upload.shares)
            if not own or sealed_for != sorted(there - {upload.client}):
                raise ValueError(
                    f"client {upload.client} sealed shares for {sealed_for}; due is one of its own "
                    f"for each of {sorted(there - {upload.client})}"
                )
        self._shared = self._left
        return {
            one: ShareDelivery(
                self._terms.round_number,
                one,
                tuple(s for upload in came for s in upload.shares if s.recipient == one),
            )
            for one in self._left
        }

    def survivors(self, inputs: Iterable[MaskedInput]) -> SurvivorList:
        """Add what came; the parts are not kept."""
        came = self._came("survivors", inputs)
        total = np.zeros(self._terms.length, dtype=np.uint32)
        for one in came:
            if len(one.words) != self._terms.length:
                raise ValueError(
                    f"client {one.client} sent {len(one.words)} words; {self._terms.length} are due"
                )
            total += one.words
        self._total, self._survivors = total, self._left
        return SurvivorList(self._terms.round_number, self._survivors)

    def signatures(self, signed: Iterable[SignedSurvivors]) -> Signatures:
        """Everybody's signature for everybody."""
        return Signatures(self._terms.round_number, tuple(self._came("signatures", signed)))

    def unmask(self, revealed: Iterable[Revealed]) -> UInt32[np.ndarray, " n"]:
        """The sum of the survivors' updates.

        Raises:
            ValueError: besides the above: a mended key does not belong to what its owner had
                advertised, so that somebody gave a wrong share. A wrong share of a self-mask is
                seen only where it leads out of the 32 bytes; otherwise the sum is wrong.
        """
        came = self._came("unmask", revealed)
        gone = tuple(sorted({*self._shared} - {*self._survivors}))
        for one in came:
            about = [c for c, _ in one.self_shares], [c for c, _ in one.key_shares]
            if about != ([*self._survivors], [*gone]):
                raise ValueError(
                    f"client {one.client} gave shares of {about}; asked for were others"
                )
        self_shares = [dict(one.self_shares) for one in came]
        key_shares = [dict(one.key_shares) for one in came]
        selves = [self._mended(one, self_shares, came) for one in self._survivors]
        orphaned = {}
        for dropped in gone:
            private = self._mended(dropped, key_shares, came)
            pair = pair_of(private)
            if pair.public != self._mask_keys[dropped]:
                raise ValueError(
                    f"the mended key of client {dropped} is not its own: a wrong share"
                )
            for survivor in self._survivors:
                keys = self._mask_keys[survivor], pair.public
                context = context_of(
                    "mask",
                    round_number=self._terms.round_number,
                    clients=(survivor, dropped),
                    keys=keys,
                )
                orphaned[survivor, dropped] = shared_seed(pair, keys[0], context=context)
        return unmask(self._total, self_seeds=selves, orphaned=orphaned, cipher=self._cipher)

    def _mended(
        self, owner: int, values: Sequence[dict[int, int]], came: Sequence[Revealed]
    ) -> bytes:
        """A secret of 32 bytes from its shares."""
        shares = [Share(r.client, held[owner]) for r, held in zip(came, values, strict=True)]
        holders = [*self._mask_keys]
        secret = join(shares, threshold=self._terms.threshold, holders=holders)
        if secret >= 2**256:
            raise ValueError(f"the shares of client {owner} do not belong together: one is wrong")
        return secret.to_bytes(32, "little")

    def _came(self, step: str, messages: Iterable) -> list:
        """The messages of one step, in the order of their clients, if there are enough."""
        if self._taken == len(_STEPS) or _STEPS[self._taken] != step:
            due = [*_STEPS, "nothing, the round is over"][self._taken]
            raise ValueError(f"asked for {step}; what comes next here is: {due}")
        came = sorted(messages, key=lambda one: one.client)
        numbers = [one.client for one in came]
        for one in came:
            if one.round_number != self._terms.round_number:
                raise ValueError(
                    f"client {one.client} speaks of round {one.round_number}; this is "
                    f"{self._terms.round_number}"
                )
        if numbers != sorted({*numbers}) or not {*numbers} <= {*self._left}:
            raise ValueError(f"clients {numbers} speak; {[*self._left]} may, once each")
        if len(came) < self._terms.threshold:
            raise ValueError(
                f"{len(came)} clients are left at {step!r}; the threshold is "
                f"{self._terms.threshold}: the round ends, and nobody's update is opened"
            )
        self._left = tuple(numbers)
        self._taken += 1
        return came
