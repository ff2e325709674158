"""A client of one round: it takes five steps in their order, and stops for good where one fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jaxtyping import UInt32

from medlib.systems.aggregation.agreement import Draw, context_of, key_pair, shared_seed
from medlib.systems.aggregation.masking import mask
from medlib.systems.aggregation.messages import (
    SHARE_BYTES,
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
from medlib.systems.aggregation.shamir import PRIME, split
from medlib.systems.aggregation.signing import Identity, sign, verify

__all__ = ["Client", "Step"]


class Step(Enum):
    """What a client does next."""

    ADVERTISE = "advertise"
    SHARE = "share"
    MASK = "mask"
    CONFIRM = "confirm"
    REVEAL = "reveal"
    OVER = "over"  # all done, or something was refused


_STEPS = [*Step]


class Client:
    """One hospital in one round.

    Attributes:
        number: its own, one of the terms' clients.
        step: what it does next.

    Args:
        number: own number.
        words: own update, quantised.
        terms: of this round.
        identity: own long-lived key.
        directory: everybody's long-lived public key, from a source that the server cannot change.
        draw: source of random bytes: `secrets.token_bytes` in earnest.
        cipher: expands the seeds; one of `stream.CIPHERS`.

    Raises:
        ValueError: from every step: called out of order, for another round, or given what an
            honest server would not send. After a refusal of the last kind it takes no other step.

    Source: Bonawitz et al. 2017, figure 4, with its steps against an active adversary,
        doi:10.1145/3133956.3133982. Ours besides: what is signed names the roster, so that two
        clients who were shown different keys refuse as well; and keys are signed together with the
        terms, so that nobody masks together with a client who was handed other weights.
    """

    def __init__(
        self,
        number: int,
        words: UInt32[np.ndarray, " n"],
        *,
        terms: Terms,
        identity: Identity,
        directory: Mapping[int, bytes],
        draw: Draw,
        cipher: str = "aes-256-ctr",
    ) -> None:
        if number not in terms.clients or {*terms.clients} - directory.keys():
            raise ValueError(f"client {number} or its fellows are not in the terms and directory")
        if len(words) != terms.length:
            raise ValueError(f"{len(words)} words; the terms say {terms.length}")
        self.number, self.step = number, Step.ADVERTISE
        self._words, self._terms, self._cipher = words, terms, cipher
        self._identity, self._directory, self._draw = identity, directory, draw

    def advertise(self) -> Advertisement:
        """First: two fresh public keys, one for masks and one for sealing shares."""
        with self._taking(Step.ADVERTISE, self._terms.round_number):
            self._mask_pair, self._share_pair = (key_pair(draw=self._draw) for _ in range(2))
            keys = self._mask_pair.public, self._share_pair.public
            bare = Advertisement(self._terms.round_number, self.number, *keys)
            signature = sign(self._identity, bare.signed(self._terms))
            self._mine = Advertisement(bare.round_number, self.number, *keys, signature)
        return self._mine

    def share(self, roster: Roster) -> ShareUpload:
        """Second: a share of the own self-mask and of the own mask key for everybody there."""
        with self._taking(Step.SHARE, roster.round_number):
            self._check_roster(roster)
            self._there = {a.client: a for a in roster.advertisements}
            self._digest, self._self_seed = roster.digest(self._terms), self._draw(32)
            secrets = self._self_seed, self._mask_pair.private
            how = {"threshold": self._terms.threshold, "holders": [*self._there]}
            pieces = [
                split(int.from_bytes(secret, "little"), draw=self._draw, **how)
                for secret in secrets
            ]
            for_each = {
                own.holder: (own.value, key.value) for own, key in zip(*pieces, strict=True)
            }
            self._held, self._sealing = {self.number: for_each.pop(self.number)}, {}
            sealed = tuple(self._seal(other, pair) for other, pair in for_each.items())
        return ShareUpload(self._terms.round_number, self.number, sealed)

    def mask(self, delivery: ShareDelivery) -> MaskedInput:
        """Third: the update under masks, one for each client whose shares came."""
        with self._taking(Step.MASK, delivery.round_number):
            for one in delivery.shares:
                if one.sender in self._held or one.sender not in self._there:
                    raise ValueError(f"shares of {one.sender} came twice, or it is not there")
                self._held[one.sender] = self._open(one)
            self._enough(len(self._held), "shared keys")
            seeds = {j: self._seed(j, "mask") for j in self._held if j != self.number}
            masked = mask(
                self._words,
                me=self.number,
                self_seed=self._self_seed,
                pair_seeds=seeds,
                cipher=self._cipher,
            )
        return MaskedInput(self._terms.round_number, self.number, masked)

    def confirm(self, told: SurvivorList) -> SignedSurvivors:
        """Fourth: sign the list of survivors that this client was told."""
        with self._taking(Step.CONFIRM, told.round_number):
            listed = [*told.survivors]
            if listed != sorted({*listed}) or not {*listed} <= self._held.keys():
                raise ValueError(
                    f"survivors {listed} are not all, and once each, of who shared keys"
                )
            if self.number not in listed:
                raise ValueError(f"client {self.number} sent its update and is said to be gone")
            self._enough(len(listed), "sent an update")
            self._told = told
            signature = sign(self._identity, told.signed(self._digest))
            self._signed = SignedSurvivors(told.round_number, self.number, signature)
        return self._signed

    def reveal(self, signatures: Signatures) -> Revealed:
        """Last: shares of the self-masks of survivors, and of the keys of those who are gone.

        Never both of one client: the list that decides it was signed by t clients, and each client
        signs one list only.
        """
        with self._taking(Step.REVEAL, signatures.round_number):
            signers, message = set(), self._told.signed(self._digest)
            for one in signatures.signatures:
                if one.client not in self._told.survivors or one.client in signers:
                    raise ValueError(f"client {one.client} signed twice, or is no survivor")
                signers.add(one.client)
                if one == self._signed:
                    continue
                who = f"client {one.client} under the survivors that {self.number} was told"
                verify(self._directory[one.client], one.signature, message, who=who)
            self._enough(len(signers), "signed the same survivors")
            stay = {*self._told.survivors}
            selves = tuple((i, own) for i, (own, _) in sorted(self._held.items()) if i in stay)
            keys = tuple((i, key) for i, (_, key) in sorted(self._held.items()) if i not in stay)
        return Revealed(self._terms.round_number, self.number, selves, keys)

    @contextmanager
    def _taking(self, step: Step, round_number: int) -> Iterator[None]:
        """One step; whatever goes wrong inside ends the round for this client."""
        if round_number != self._terms.round_number:
            raise ValueError(
                f"a message of round {round_number}; this is {self._terms.round_number}"
            )
        if self.step is not step:
            raise ValueError(f"asked to {step.value}; what comes next here is: {self.step.value}")
        self.step = Step.OVER
        yield
        self.step = _STEPS[_STEPS.index(step) + 1]

    def _enough(self, there: int, did: str) -> None:
        if there < self._terms.threshold:
            raise ValueError(f"{there} clients {did}; the threshold is {self._terms.threshold}")

    def _check_roster(self, roster: Roster) -> None:
        numbers = [a.client for a in roster.advertisements]
        keys = [key for a in roster.advertisements for key in (a.mask_key, a.share_key)]
        if numbers != sorted({*numbers}) or not {*numbers} <= {*self._terms.clients}:
            raise ValueError(
                f"the roster holds {numbers}; clients of the terms, ascending, once each"
            )
        if len({*keys}) != len(keys) or self._mine not in roster.advertisements:
            raise ValueError(
                "a key stands twice in the roster, or client's own is not as it was sent"
            )
        self._enough(len(numbers), "advertised keys")
        for one in roster.advertisements:
            if one.round_number != self._terms.round_number:
                raise ValueError(f"client {one.client}'s keys are of round {one.round_number}")
            if one == self._mine:
                continue
            public = self._directory[one.client]
            message = one.signed(self._terms)
            verify(public, one.signature, message, who=f"client {one.client} under its keys")

    def _seed(self, other: int, purpose: str) -> bytes:
        """The secret with one other client, for masks or for sealing shares."""
        mine = self._mask_pair if purpose == "mask" else self._share_pair
        one = self._there[other]
        theirs = one.mask_key if purpose == "mask" else one.share_key
        context = context_of(
            purpose,
            round_number=self._terms.round_number,
            clients=(self.number, other),
            keys=(mine.public, theirs),
        )
        return shared_seed(mine, theirs, context=context)

    def _seal(self, other: int, pair: tuple[int, int]) -> SealedShare:
        self._sealing[other] = self._seed(other, "share")
        nonce = self._draw(12)
        plain = b"".join(value.to_bytes(SHARE_BYTES, "little") for value in pair)
        context = SealedShare.context(self._terms.round_number, self.number, other)
        sealed = AESGCM(self._sealing[other]).encrypt(nonce, plain, context)
        return SealedShare(self.number, other, nonce, sealed)

    def _open(self, one: SealedShare) -> tuple[int, int]:
        context = SealedShare.context(self._terms.round_number, one.sender, self.number)
        try:
            plain = AESGCM(self._sealing[one.sender]).decrypt(one.nonce, one.sealed, context)
        except InvalidTag:
            raise ValueError(
                f"the shares of client {one.sender} for {self.number} do not open: changed on the "
                "way, of another round, or for another client"
            ) from None
        values = [int.from_bytes(plain[i : i + SHARE_BYTES], "little") for i in (0, SHARE_BYTES)]
        if len(plain) != 2 * SHARE_BYTES or max(values) >= PRIME:
            raise ValueError(
                f"client {one.sender} sealed {len(plain)} bytes that are no two shares"
            )
        return values[0], values[1]
