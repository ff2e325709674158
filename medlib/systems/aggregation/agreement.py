"""Two clients that never met agree on a secret, and the server that carries their letters does not.

Randomness comes in as `draw(n)`, which returns n bytes: `secrets.token_bytes` in earnest, the
`bytes` method of a seeded generator where a page must come out the same twice. Keys drawn from a
seeded generator are known to everybody who knows the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Draw", "KeyPair", "context_of", "key_pair", "pair_of", "shared_seed"]

Draw = Callable[[int], bytes]

_PURPOSES = ("mask", "share")
_DOMAIN = b"pixels-to-patients/aggregation/1"


@dataclass(frozen=True)
class KeyPair:
    """An X25519 key pair.

    Attributes:
        private: 32 bytes; kept out of representations, so that no log shows them.
        public: 32 bytes.
    """

    private: bytes = field(repr=False)
    public: bytes

    @cached_property
    def opened(self) -> X25519PrivateKey:
        """The private key as it is computed with; opening it takes as long as an agreement."""
        return X25519PrivateKey.from_private_bytes(self.private)


def pair_of(private: bytes) -> KeyPair:
    """The pair that belongs to 32 private bytes; this is how a dropped client's key is mended.

    Raises:
        ValueError: not 32 bytes.
    """
    if len(private) != 32:
        raise ValueError(f"the private key has {len(private)} bytes; X25519 takes 32")
    return KeyPair(
        private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    )


def key_pair(*, draw: Draw) -> KeyPair:
    """A fresh key pair.

    Args:
        draw: source of random bytes, `secrets.token_bytes` in earnest.

    Example:
        >>> import secrets
        >>> len(key_pair(draw=secrets.token_bytes).public)
        32
    """
    return pair_of(draw(32))


def context_of(
    purpose: str, *, round_number: int, clients: tuple[int, int], keys: tuple[bytes, bytes]
) -> bytes:
    """What a seed is for, as bytes: no two uses may ever share a seed.

    Every field has a fixed length, so two contexts are equal only if all their fields are. The pair
    is ordered by client number: both sides write down the same.

    Args:
        purpose: "mask" or "share".
        round_number: 0..2^64 - 1.
        clients: numbers of the two, 1..2^32 - 1, in either order.
        keys: their public keys, in the order of `clients`.

    Raises:
        ValueError: an unknown purpose, one client twice, or a number out of range.
    """
    if purpose not in _PURPOSES:
        raise ValueError(f"purpose is {purpose!r}; choose one of {_PURPOSES}")
    if clients[0] == clients[1]:
        raise ValueError(f"client {clients[0]} cannot agree with itself; name two clients")
    if not 0 <= round_number < 2**64 or not all(1 <= one < 2**32 for one in clients):
        raise ValueError(
            f"round {round_number}, clients {clients}: rounds are in 0..2^64-1, clients 1..2^32-1"
        )
    (first, first_key), (second, second_key) = sorted(zip(clients, keys, strict=True))
    return b"".join(
        (
            _DOMAIN,
            purpose.encode().ljust(8, b"\0"),
            round_number.to_bytes(8, "little"),
            first.to_bytes(4, "little"),
            second.to_bytes(4, "little"),
            first_key,
            second_key,
        )
    )


def shared_seed(mine: KeyPair, theirs: bytes, *, context: bytes) -> bytes:
    """The 256-bit seed that two clients share.

        seed = HKDF-SHA256(X25519(private, public'), info = context)

    Args:
        mine: own pair.
        theirs: the other's public key, 32 bytes.
        context: see `context_of`.

    Returns:
        32 bytes, the same on both sides.

    Raises:
        ValueError: a public key of another length, or a point of low order, for which everybody
            would know the secret: it is zero whatever the private key.

    Example:
        >>> import secrets
        >>> a, b = (key_pair(draw=secrets.token_bytes) for _ in range(2))
        >>> shared_seed(a, b.public, context=b"") == shared_seed(b, a.public, context=b"")
        True

    Source: RFC 7748, sections 5 and 6.1; RFC 5869. The context is info, and the salt is empty, as
        RFC 5869, section 3.1 allows.
    """
    if len(theirs) != 32:
        raise ValueError(f"the public key has {len(theirs)} bytes; X25519 takes 32")
    try:
        secret = mine.opened.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as refusal:  # the library compares with zero, as RFC 7748, 6.1 asks
        raise ValueError(
            f"public key {theirs.hex()} is a point of low order: the secret would be zero for "
            "everybody; refuse this client"
        ) from refusal
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(secret)
