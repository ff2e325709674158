"""A short secret seed becomes a long mask: a stream cipher's key stream, read as 32-bit words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from jaxtyping import UInt32

__all__ = ["CIPHERS", "add_streams", "expand", "key_stream"]

CIPHERS = ("aes-256-ctr", "chacha20")
_BLOCK = 128 * 1024  # bytes: all of it stays in a core's own cache
_ZEROS = bytes(_BLOCK)


def key_stream(
    seed: bytes, n_bytes: int, *, cipher: str = "aes-256-ctr", start: bytes = bytes(16)
) -> bytes:
    """The first bytes of a cipher's key stream.

    Args:
        seed: the cipher's key, 32 bytes.
        n_bytes: how many, at least 0.
        cipher: one of `CIPHERS`.
        start: the first counter block of AES; counter and nonce of ChaCha20. Zero is safe as long
            as a seed is expanded once only, which is what `agreement.context_of` is for.

    Raises:
        ValueError: an unknown cipher, or a seed or start of another length.

    Example:
        >>> key_stream(bytes(32), 8).hex()
        'dc95c078a2408989'

    Source: NIST SP 800-38A, section 6.5; RFC 8439, section 2.4.
    """
    if n_bytes < 0:
        raise ValueError(f"n_bytes is {n_bytes}; it must be at least 0")
    return _started(seed, cipher, start).update(bytes(n_bytes))


def expand(seed: bytes, n: int, *, cipher: str = "aes-256-ctr") -> UInt32[np.ndarray, " n"]:
    """A mask of n words, each uniform on 0..2^32 - 1 to all who do not know the seed.

    Args:
        seed: 32 bytes.
        n: words, at least 0.
        cipher: one of `CIPHERS`.

    Raises:
        ValueError: as `key_stream`.

    Example:
        >>> expand(bytes(32), 2).tolist()
        [2025887196, 2307473570]
    """
    if n < 0:
        raise ValueError(f"n is {n}; it must be at least 0")
    mask = np.zeros(n, dtype=np.uint32)
    add_streams(mask, [(seed, 1)], cipher=cipher)
    return mask


def add_streams(
    words: UInt32[np.ndarray, " n"],
    streams: Iterable[tuple[bytes, int]],
    *,
    cipher: str = "aes-256-ctr",
) -> None:
    """Add streams to words, or subtract them, modulo 2^32 and in place.

    Works through the words block by block, all streams on one block before the next: no mask ever
    stands in memory as a whole.

    Args:
        words: changed in place.
        streams: seeds of 32 bytes, each with its sign, 1 or -1.
        cipher: one of `CIPHERS`.

    Raises:
        ValueError: a sign that is neither, or as `key_stream`.
    """
    started = []
    for seed, sign in streams:
        if sign not in (1, -1):
            raise ValueError(f"sign is {sign}; a stream is added (1) or subtracted (-1)")
        started.append((_started(seed, cipher, bytes(16)), np.add if sign == 1 else np.subtract))
    room = bytearray(_BLOCK)
    block = np.frombuffer(room, dtype="<u4")  # little-endian, whatever machine reads it
    for at in range(0, len(words), len(block)):
        part = words[at : at + len(block)]
        for one, combine in started:
            one.update_into(_ZEROS, room)
            combine(part, block[: len(part)], out=part)


def _started(seed: bytes, cipher: str, start: bytes) -> CipherContext:
    """The cipher at the beginning of its stream; zeros encrypted are its key stream."""
    if len(seed) != 32 or len(start) != 16:
        raise ValueError(
            f"seed and start have {len(seed)} and {len(start)} bytes; 32 and 16 are due"
        )
    if cipher == "aes-256-ctr":
        return Cipher(algorithms.AES(seed), modes.CTR(start)).encryptor()
    if cipher == "chacha20":
        return Cipher(algorithms.ChaCha20(seed, start), None).encryptor()
    raise ValueError(f"cipher is {cipher!r}; choose one of {CIPHERS}")
