"""One added mask for each other client, cancelled by that client's own; and one mask to oneself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.stream import add_streams
from medlib.systems.aggregation.words import empty_words

__all__ = ["mask", "pair_sign", "unmask"]


def pair_sign(me: int, other: int) -> int:
    """1 where I add the pair's mask, which is where my number is smaller; -1 where I subtract it.

    Raises:
        ValueError: a client has no mask with itself.
    """
    if me == other:
        raise ValueError(f"client {me} has no pairwise mask with itself")
    return 1 if me < other else -1


def mask(
    words: UInt32[np.ndarray, " n"],
    *,
    me: int,
    self_seed: bytes,
    pair_seeds: Mapping[int, bytes],
    cipher: str = "aes-256-ctr",
) -> UInt32[np.ndarray, " n"]:
    """What a client sends.

        y_i = x_i + PRG(b_i) + Σ_(j > i) PRG(s_ij) - Σ_(j < i) PRG(s_ij)  mod 2^32

    Args:
        words: the client's own, x_i.
        me: its number.
        self_seed: b_i, 32 bytes, drawn by itself.
        pair_seeds: s_ij by the number of the other client, 32 bytes each.
        cipher: expands the seeds; one of `stream.CIPHERS`.

    Example:
        >>> zero = np.zeros(2, dtype=np.uint32)
        >>> sent = [mask(zero, me=i, self_seed=bytes(32), pair_seeds={3 - i: b"s" * 32})
        ...         for i in (1, 2)]
        >>> unmask(sum(sent), self_seeds=[bytes(32)] * 2).tolist()
        [0, 0]

    Source: Bonawitz et al. 2017, section 4, doi:10.1145/3133956.3133982.
    """
    masked = empty_words(len(words))
    streams = [(seed, pair_sign(me, other)) for other, seed in pair_seeds.items()]
    add_streams(words, [(self_seed, 1), *streams], cipher=cipher, out=masked)
    return masked


def unmask(
    total: UInt32[np.ndarray, " n"],
    *,
    self_seeds: Iterable[bytes],
    orphaned: Mapping[tuple[int, int], bytes] | None = None,
    cipher: str = "aes-256-ctr",
) -> UInt32[np.ndarray, " n"]:
    """The sum of the survivors' words, from the sum of what they sent.

    Pairwise masks between two survivors have cancelled. Their self-masks are taken off here, and so
    is every mask whose other half never came.

    Args:
        total: the sum of the survivors' masked words.
        self_seeds: b_i of every survivor.
        orphaned: s_ij by (survivor, dropped client).
        cipher: as the clients used.
    """
    streams = [(seed, -1) for seed in self_seeds]
    for (survivor, dropped), seed in (orphaned or {}).items():
        streams.append((seed, -pair_sign(survivor, dropped)))
    plain = empty_words(len(total))
    add_streams(total, streams, cipher=cipher, out=plain)
    return plain
