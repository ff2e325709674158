"""A whole round in one process: every message is made, counted and handed over."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt32

from medlib.systems.aggregation.messages import Terms
from medlib.systems.aggregation.participants import participants

__all__ = ["STEPS", "Round", "aggregate"]

STEPS = ("advertise", "share", "mask", "confirm", "reveal")


@dataclass(frozen=True, eq=False)
class Round:
    """What a round came to.

    Attributes:
        sum: of the survivors' words modulo 2^32.
        survivors: whose words are in it.
        up: bytes that each client sent, by its number.
        down: bytes that each client was sent.
        client_cpu_s: processor seconds of each client, without its training.
        server_cpu_s: of the server.
    """

    sum: UInt32[np.ndarray, " n"]
    survivors: tuple[int, ...]
    up: dict[int, int]
    down: dict[int, int]
    client_cpu_s: dict[int, float]
    server_cpu_s: float


def aggregate(
    updates: UInt32[np.ndarray, "clients n"],
    *,
    threshold: int,
    rng: np.random.Generator | None,
    drop: Mapping[str, Collection[int]] | None = None,
    round_number: int = 1,
    cipher: str = "aes-256-ctr",
) -> Round:
    """Sum updates so that the server sees the sum only.

    Clients are numbered 1, 2, ... in the order of rows. Every client knows everybody's long-lived
    public key beforehand; here they are made on the spot.

    **What this is not.** A demonstration in one process: the server's memory is the clients'. A
    deployment needs besides: a registry of hospitals' keys that the server does not run, TLS, a
    parser of messages that strangers sent, round numbers kept on disk, keys wiped from memory, a
    proof that no update is absurd, an audit. And the sum itself tells something: see `privacy`.

    Args:
        updates: quantised, a row for each client.
        threshold: t; the round is refused where fewer are left. See `threshold.threshold_range`.
        rng: None takes all keys and seeds from the operating system, as any earnest use must. A
            generator makes the round the same in every run, and **protects nothing**: who knows its
            seed knows all the keys.
        drop: clients that vanish before sending, by step of `STEPS`. Who vanishes at "mask" or
            before is not in the sum; who vanishes later is.
        round_number: binds every key and signature.
        cipher: expands the seeds.

    Returns:
        The sum, who is in it, bytes and processor seconds.

    Raises:
        ValueError: fewer than the threshold are left at a step, or an unknown step or client is to
            be dropped, or a threshold that is not above half.

    Example:
        >>> words = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint32)
        >>> done = aggregate(words, threshold=2, rng=None, drop={"mask": [2]})
        >>> done.sum.tolist(), done.survivors
        ([6, 8], (1, 3))

    Source: Bonawitz et al. 2017, doi:10.1145/3133956.3133982.
    """
    drop = {**(drop or {})}
    numbers = tuple(range(1, len(updates) + 1))
    for step, clients in drop.items():
        if step not in STEPS or not {*clients} <= {*numbers}:
            raise ValueError(f"drop has {step!r}: {[*clients]}; steps {STEPS}, clients {numbers}")
    terms = Terms(round_number, numbers, threshold, updates.shape[1])
    draw = secrets.token_bytes if rng is None else rng.bytes
    clients, server, _ = participants(updates, terms=terms, draw=draw, cipher=cipher)
    meter = _Meter(numbers)
    there = [*numbers]

    def staying(step: str) -> list[int]:
        there[:] = [i for i in there if i not in drop.get(step, ())]
        return there

    came = [meter.up(i, clients[i].advertise) for i in staying("advertise")]
    roster = meter.serve(server.roster, came)
    meter.down({i: roster for i in there})
    came = [meter.up(i, clients[i].share, roster) for i in staying("share")]
    deliveries = meter.serve(server.deliver, came)
    meter.down(deliveries)
    came = [meter.up(i, clients[i].mask, deliveries[i]) for i in staying("mask")]
    told = meter.serve(server.survivors, came)
    del came  # of the updates' size, each
    meter.down({i: told for i in there})
    came = [meter.up(i, clients[i].confirm, told) for i in staying("confirm")]
    signatures = meter.serve(server.signatures, came)
    meter.down({i: signatures for i in there})
    came = [meter.up(i, clients[i].reveal, signatures) for i in staying("reveal")]
    total = meter.serve(server.unmask, came)
    return Round(
        total, told.survivors, meter.sent, meter.received, meter.client_cpu_s, meter.server_cpu_s
    )


class _Meter:
    """Bytes and processor seconds, by who spends them."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.sent, self.received = dict.fromkeys(numbers, 0), dict.fromkeys(numbers, 0)
        self.client_cpu_s, self.server_cpu_s = dict.fromkeys(numbers, 0.0), 0.0

    def up(self, client: int, step, *given):
        began = time.process_time()
        message = step(*given)
        self.client_cpu_s[client] += time.process_time() - began
        self.sent[client] += len(message.to_bytes())
        return message

    def serve(self, step, came):
        began = time.process_time()
        answer = step(came)
        self.server_cpu_s += time.process_time() - began
        return answer

    def down(self, messages: Mapping[int, object]) -> None:
        for client, message in messages.items():
            self.received[client] += len(message.to_bytes())
