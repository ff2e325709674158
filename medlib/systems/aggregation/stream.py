"""A short secret seed becomes a long mask: a stream cipher's key stream, read as 32-bit words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from jaxtyping import UInt32

from medlib.systems.aggregation.words import empty_words

__all__ = ["CIPHERS", "add_streams", "expand", "key_stream"]

CIPHERS = ("aes-256-ctr", "chacha20")
_BLOCK = 128 * 1024  # bytes: all of it stays in a core's own cache
_ZEROS = memoryview(bytes(_BLOCK))
_HEAD = 32  # bytes: counter blocks 0 and 1, which Galois mode keeps for itself
_GALOIS_MOST = 2**36  # bytes, those of the head included: beyond, its counter of 32 bits wraps


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
    head, rest = _started(seed, cipher, start, n_bytes)
    n_head = min(n_bytes, _HEAD)
    return head.update(bytes(n_head)) + rest.update(bytes(n_bytes - n_head))


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
    out: UInt32[np.ndarray, " n"] | None = None,
) -> None:
    """Add streams to words, or subtract them, modulo 2^32 and in place.

    Works through the words block by block, all streams on one block before the next: no mask ever
    stands in memory as a whole.

    Args:
        words: changed in place, unless there is an `out`.
        streams: seeds of 32 bytes, each with its sign, 1 or -1.
        cipher: one of `CIPHERS`.
        out: takes the sums, and words stay as they are; without a pass that copies them first.

    Raises:
        ValueError: a sign that is neither, or as `key_stream`.
    """
    out = words if out is None else out
    heads, rests = [], []
    for seed, sign in streams:
        if sign not in (1, -1):
            raise ValueError(f"sign is {sign}; a stream is added (1) or subtracted (-1)")
        combine = np.add if sign == 1 else np.subtract
        head, rest = _started(seed, cipher, bytes(16), words.nbytes)
        heads.append((head, combine))
        rests.append((rest, combine))
    n_head = _HEAD // words.itemsize
    _combine(words[:n_head], heads, out=out[:n_head], n_bytes=_HEAD)
    _combine(words[n_head:], rests, out=out[n_head:], n_bytes=_BLOCK)


def _combine(
    words: np.ndarray,
    started: list[tuple[CipherContext, np.ufunc]],
    *,
    out: np.ndarray,
    n_bytes: int,
) -> None:
    """Words and all streams into out, so many bytes of each at a time."""
    room = empty_words(n_bytes // words.itemsize)
    block = room.view("<u4")  # little-endian, whatever machine reads it
    room, zeros = room.view(np.uint8).data, _ZEROS[:n_bytes]
    if not started:
        out[:] = words
    for at in range(0, len(words), len(block)):
        so_far, part = words[at : at + len(block)], out[at : at + len(block)]
        fresh = block[: len(part)]
        for one, combine in started:
            one.update_into(zeros, room)
            combine(so_far, fresh, out=part)
            so_far = part


def _started(
    seed: bytes, cipher: str, start: bytes, n_bytes: int
) -> tuple[CipherContext, CipherContext]:
    """The cipher for a stream's head, and the one that goes on; zeros encrypted are their stream.

    From counter block 2 on, counter mode at zero and Galois mode under a nonce of zeros encrypt the
    same blocks, and what Galois mode has besides is a checksum that nobody asks for here. OpenSSL
    uses the wide AES instructions of newer processors in it, and not in its counter mode: on an
    Intel Xeon with AVX-512 it takes half the time, and 1.3 times as long with those switched off.
    """
    if len(seed) != 32 or len(start) != 16:
        raise ValueError(
            f"seed and start have {len(seed)} and {len(start)} bytes; 32 and 16 are due"
        )
    if cipher == "aes-256-ctr":
        one = Cipher(algorithms.AES(seed), modes.CTR(start)).encryptor()
        if not any(start) and _HEAD < n_bytes <= _GALOIS_MOST:
            return one, Cipher(algorithms.AES(seed), modes.GCM(bytes(12))).encryptor()
        return one, one
    if cipher == "chacha20":
        one = Cipher(algorithms.ChaCha20(seed, start), None).encryptor()
        return one, one
    raise ValueError(f"cipher is {cipher!r}; choose one of {CIPHERS}")
