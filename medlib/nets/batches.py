"""Batches for training: shuffled passes laid end to end, so that no example is ever left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Batch", "Sampler", "batches", "sampler"]

Batch = Any
Sampler = Callable[[torch.Generator], Batch]


def batches(n: int, *, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield index batches for ever: shuffled passes laid end to end, so none is ever left out.

    After k passes every example was drawn exactly k times; a batch may straddle two passes.

    Args:
        n: number of examples.
        batch_size: indices a batch, 1 <= batch_size <= n.
        generator: the only source of randomness; a CPU generator.

    Returns:
        Iterator over int64 tensors of shape (batch_size,).

    Raises:
        ValueError: no examples, or a batch larger than the data.

    Example:
        >>> stream = batches(4, batch_size=2, generator=torch.Generator().manual_seed(0))
        >>> sorted(torch.cat([next(stream), next(stream)]).tolist())
        [0, 1, 2, 3]
    """
    if n < 1:
        raise ValueError("the training data are empty: give at least one example")
    if not 1 <= batch_size <= n:
        raise ValueError(
            f"batch_size={batch_size}, but there are {n} examples: use 1 <= batch_size <= {n}"
        )
    return _stream(n, batch_size, generator)


def _stream(n: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    waiting = torch.empty(0, dtype=torch.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = torch.cat([waiting, torch.randperm(n, generator=generator)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def sampler(
    data: Sequence[Tensor] | Sampler, *, batch_size: int | None, generator: torch.Generator
) -> Callable[[], Batch]:
    """Return a function that draws the next batch of tensors, or of a sampler of one's own.

    Raises:
        ValueError: a batch size for a sampler or none for tensors, or tensors of unequal length.
    """
    if callable(data):
        if batch_size is not None:
            raise ValueError("a sampler chooses its own batch: leave batch_size out")
        return lambda: data(generator)
    tensors = tuple(data)
    lengths = {len(tensor) for tensor in tensors}
    if len(lengths) > 1:
        sizes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
        raise ValueError(f"the data tensors differ in length along their first axis: {sizes}")
    if batch_size is None:
        raise ValueError("batch_size is needed when data are tensors")
    stream = batches(max(lengths, default=0), batch_size=batch_size, generator=generator)

    def draw() -> tuple[Tensor, ...]:
        chosen = next(stream)
        return tuple(tensor[chosen.to(tensor.device)] for tensor in tensors)

    return draw
