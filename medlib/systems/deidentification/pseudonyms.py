"""A pseudonym for a record number: trying all numbers breaks a plain hash, but not a keyed one."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Broken", "break_plain_hashes", "keyed_digest", "plain_hash", "pseudonym"]

_LEAST_KEY = 16  # bytes: 128 bits, beyond any search


@dataclass(frozen=True)
class Broken:
    """What a search found.

    Attributes:
        numbers: the record number of each digest that was found.
        tried: candidates that were hashed.
        seconds: of wall clock that it took.
    """

    numbers: dict[str, str]
    tried: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Candidates tried in a second."""
        return self.tried / self.seconds if self.seconds else float("inf")


def plain_hash(number: str) -> str:
    """SHA-256 of a record number, as is often done; it hides nothing.

    Returns:
        64 hexadecimal digits.
    """
    return hashlib.sha256(number.encode()).hexdigest()


def break_plain_hashes(digests: Iterable[str], numbers: Iterable[str]) -> Broken:
    """Find the record numbers behind plain hashes: hash every number there is, and look.

    A hash cannot be inverted, but 7 digits are only ten million numbers. The search ends when all
    are found.

    Args:
        digests: hexadecimal, of SHA-256.
        numbers: candidates, such as every number of 7 digits.

    Example:
        >>> stolen = [plain_hash("0031415"), pseudonym("0031415", key=bytes(32))]
        >>> list(break_plain_hashes(stolen, (f"{n:07d}" for n in range(50_000))).numbers.values())
        ['0031415']

    Article 29 Data Protection Working Party 2014, Opinion 05/2014 on anonymisation techniques
    (WP216), section 4.
    """
    wanted = {bytes.fromhex(digest) for digest in digests}
    found: dict[str, str] = {}
    tried = 0
    sha256 = hashlib.sha256
    begun = time.perf_counter()
    for number in numbers:
        if not wanted:
            break
        tried += 1
        digest = sha256(number.encode()).digest()
        if digest in wanted:
            wanted.remove(digest)
            found[digest.hex()] = number
    return Broken(found, tried, time.perf_counter() - begun)


def keyed_digest(key: bytes, purpose: str, text: str) -> bytes:
    r"""HMAC-SHA256 of a purpose and a text: :math:`\mathrm{HMAC}_k(p \,\|\, 0 \,\|\, t)`.

    One key serves several purposes, and a digest for one says nothing of another's.

    Args:
        key: 16 random bytes or more, kept where the data are not.
        purpose: such as "uid"; without a zero byte.
        text: what is hidden.

    Returns:
        32 bytes.

    Raises:
        ValueError: a short key, or a purpose with a zero byte.

    Krawczyk, Bellare and Canetti 1997, RFC 2104, doi:10.17487/RFC2104.
    """
    if len(key) < _LEAST_KEY:
        raise ValueError(
            f"the key has {len(key)} bytes; it needs {_LEAST_KEY} or more: secrets.token_bytes(32)"
        )
    if "\0" in purpose:
        raise ValueError("a purpose must not hold a zero byte: it ends the purpose")
    return hmac.digest(key, purpose.encode() + b"\0" + text.encode(), "sha256")


def pseudonym(number: str, *, key: bytes) -> str:
    """A name for a patient that only who has the key can make, or try numbers against.

    Spaces around the number are dropped, as DICOM pads with them; zeros before it count.

    Returns:
        32 hexadecimal digits: half of HMAC-SHA256, with which two patients of a million have the
        same name with probability 10^-27.

    Example:
        >>> pseudonym("0031415", key=bytes(32)) == pseudonym("0031415 ", key=bytes(32))
        True
        >>> pseudonym("0031415", key=bytes(32)) == pseudonym("0031415", key=b"another key ....")
        False
    """
    return keyed_digest(key, "patient", number.strip(" \0")).hex()[:32]
