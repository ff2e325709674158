"""Draws that torch takes from its global generators, taken from one of our own instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

__all__ = ["global_draws_from"]


@contextmanager
def global_draws_from(
    generator: torch.Generator, *, devices: Sequence[torch.device] = ()
) -> Iterator[None]:
    """Let every global draw inside follow `generator`; leave the global generators as they were.

    First weights and dropout know no other generator than torch's global ones.

    Args:
        generator: on the CPU; one number is drawn from it.
        devices: CUDA devices whose generators are set and kept as well.

    Example:
        >>> def draw(seed):
        ...     with global_draws_from(torch.Generator().manual_seed(seed)):
        ...         return torch.rand(1).item()
        >>> draw(3) == draw(3), draw(3) == draw(4)
        (True, False)
    """
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        yield
