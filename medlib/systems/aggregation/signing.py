"""Who says so: long-lived Ed25519 keys, so that the server cannot speak for a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medlib.systems.aggregation.agreement import Draw

__all__ = ["Identity", "identity", "identity_of", "sign", "verify"]


@dataclass(frozen=True)
class Identity:
    """A client's long-lived key pair; its public half is known to all before any round.

    Attributes:
        private: 32 bytes; kept out of representations.
        public: 32 bytes, what a directory holds.
    """

    private: bytes = field(repr=False)
    public: bytes

    @cached_property
    def opened(self) -> Ed25519PrivateKey:
        """The private key as it is computed with; opening it takes as long as a signature."""
        return Ed25519PrivateKey.from_private_bytes(self.private)


def identity_of(private: bytes) -> Identity:
    """The identity that belongs to 32 private bytes.

    Raises:
        ValueError: not 32 bytes.
    """
    if len(private) != 32:
        raise ValueError(f"the private key has {len(private)} bytes; Ed25519 takes 32")
    public = Ed25519PrivateKey.from_private_bytes(private).public_key()
    return Identity(private, public.public_bytes_raw())


def identity(*, draw: Draw) -> Identity:
    """A fresh identity.

    Args:
        draw: source of random bytes, `secrets.token_bytes` in earnest.

    Example:
        >>> import secrets
        >>> me = identity(draw=secrets.token_bytes)
        >>> verify(me.public, sign(me, b"I am here"), b"I am here", who="client 1")
    """
    return identity_of(draw(32))


def sign(me: Identity, message: bytes) -> bytes:
    """A signature of 64 bytes; the same key and message give the same one.

    Source: RFC 8032, section 5.1.6.
    """
    return me.opened.sign(message)


def verify(public: bytes, signature: bytes, message: bytes, *, who: str) -> None:
    """Return if the signature is that key's for that message.

    Args:
        public: from the directory, not from the message.
        signature: 64 bytes.
        message: what should have been signed.
        who: named in the error.

    Raises:
        ValueError: it is not.

    Source: RFC 8032, section 5.1.7.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise ValueError(
            f"the signature of {who} does not fit: another key, another round, or other words"
        ) from None
