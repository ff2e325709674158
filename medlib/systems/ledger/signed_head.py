"""The end of a chain, signed: kept elsewhere, it shows that a ledger was cut short or forked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medlib.systems.ledger.canonical_json import canonical_json
from medlib.systems.ledger.chain import first_fault
from medlib.systems.ledger.entry import Entry
from medlib.systems.ledger.signing_keys import key_id

__all__ = ["HeadFault", "SignedHead", "equivocation", "head_fault", "sign_head", "signature_fault"]

_DOMAIN = b"pixels-to-patients ledger head v1\n"


@dataclass(frozen=True)
class SignedHead:
    """That a ledger had, at a time, this last entry.

    Attributes:
        index, digest: of the last entry.
        time: as the signer has it; RFC 3339 in UTC.
        key_id: sha256 of the public key.
        signature: Ed25519, 128 hexadecimal digits.
    """

    index: int
    digest: str
    time: str
    key_id: str
    signature: str


@dataclass(frozen=True)
class HeadFault:
    """What is wrong with a head, or with the ledger that it is held against.

    Attributes:
        wrong: in a word. A forked ledger has two ends that were both signed.
        detail: in a sentence.
    """

    wrong: Literal["unknown key", "altered signature", "truncated", "forked", "broken chain"]
    detail: str


def sign_head(entries: Sequence[Entry], *, key: Ed25519PrivateKey, time: str) -> SignedHead:
    """Sign the end of a chain, after checking all of it.

    Args:
        entries: of the ledger, all of them.
        key: of the signer.
        time: RFC 3339 in UTC.

    Raises:
        ValueError: no entries, or a broken chain.

    Example:
        >>> from medlib.systems.ledger.entry import Draft, entry_after
        >>> key = Ed25519PrivateKey.generate()
        >>> chain = [entry_after(None, Draft("note", {}), time="2024-05-03T10:00:00Z")]
        >>> head = sign_head(chain, key=key, time="2024-05-03T11:00:00Z")
        >>> keys = {head.key_id: key.public_key()}
        >>> head_fault(head, chain, keys=keys) is None
        True
        >>> head_fault(head, [], keys=keys).wrong
        'truncated'

    Ed25519 is that of Josefsson and Liusvaara 2017, RFC 8032, doi:10.17487/RFC8032; signed heads of
    logs are those of Laurie, Messeri and Stradling 2021, RFC 9162, doi:10.17487/RFC9162.
    """
    if not entries:
        raise ValueError("an empty ledger has no head to sign")
    if fault := first_fault(entries):
        raise ValueError(f"a broken chain is not signed: {fault.detail}")
    last, name = entries[-1], key_id(key.public_key())
    said = _said(last.index, last.digest, time, name)
    return SignedHead(last.index, last.digest, time, name, key.sign(said).hex())


def signature_fault(head: SignedHead, *, keys: Mapping[str, Ed25519PublicKey]) -> HeadFault | None:
    """Whether a head was signed by a known key, and is as it was signed.

    Args:
        head: the head.
        keys: public keys that are trusted, by their `key_id`; a key under another's name is not
            taken for it.
    """
    key = keys.get(head.key_id)
    if key is None or key_id(key) != head.key_id:
        known = ", ".join(name[:12] for name in keys) or "none"
        return HeadFault("unknown key", f"key {head.key_id[:12]} is not among those known: {known}")
    try:
        said = _said(head.index, head.digest, head.time, head.key_id)
        key.verify(bytes.fromhex(head.signature), said)
    except (InvalidSignature, ValueError):
        return HeadFault(
            "altered signature",
            f"the head of entry {head.index} is not what key {head.key_id[:12]} signed",
        )
    return None


def head_fault(
    head: SignedHead, entries: Sequence[Entry], *, keys: Mapping[str, Ed25519PublicKey]
) -> HeadFault | None:
    """Whether a ledger is the one that was signed, and possibly grew since.

    The chain is recomputed up to the head, so that None means: entries 0 to `head.index` are, to
    the bit, those that were there when it was signed.

    Args:
        head: an old head or the newest.
        entries: of the ledger as it is now.
        keys: public keys that are trusted, by their `key_id`.
    """
    if fault := signature_fault(head, keys=keys):
        return fault
    if head.index >= len(entries):
        return HeadFault(
            "truncated",
            f"entry {head.index} was signed at {head.time}; the ledger has {len(entries)} entries",
        )
    if fault := first_fault(entries[: head.index + 1]):
        return HeadFault("broken chain", fault.detail)
    found = entries[head.index].digest
    if found != head.digest:
        return HeadFault(
            "forked",
            f"entry {head.index} was signed as {head.digest[:12]}...; this ledger has"
            f" {found[:12]}... in its place, in a chain that is whole: there are two histories",
        )
    return None


def equivocation(
    heads: Iterable[SignedHead], *, keys: Mapping[str, Ed25519PublicKey]
) -> tuple[SignedHead, SignedHead] | None:
    """Two heads of one index with different digests: proof, without the ledger, of two histories.

    Heads with a bad signature prove nothing and are passed over.
    """
    good = [head for head in heads if signature_fault(head, keys=keys) is None]
    for one, other in combinations(good, 2):
        if one.index == other.index and one.digest != other.digest:
            return one, other
    return None


def _said(index: int, digest: str, time: str, key_id: str) -> bytes:
    said = {"index": index, "digest": digest, "time": time, "key_id": key_id}
    return _DOMAIN + canonical_json(said)
