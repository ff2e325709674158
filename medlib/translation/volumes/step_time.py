"""How long one forward and backward pass takes, on whatever device the network is."""

from __future__ import annotations

import time

import torch
from jaxtyping import Float
from torch import Tensor, nn


def step_seconds(
    network: nn.Module, volumes: Float[Tensor, "batch ..."], *, repeats: int = 3
) -> float:
    """Wall seconds of the fastest of some forward and backward passes.

    The mode of the network stays as it is, but for recurrent layers: CUDA's have no backward pass
    outside training mode, and training changes nothing else about them where they drop nothing.

    Args:
        network: what is timed; its gradients are left in place.
        volumes: its input.
        repeats: how many passes, >= 1.

    Returns:
        Seconds, > 0; not repeatable, so print it and record it nowhere.

    Raises:
        ValueError: repeats is below one.

    Example:
        >>> step_seconds(nn.Linear(2, 1), torch.ones(3, 2), repeats=1) > 0
        True
    """
    if repeats < 1:
        raise ValueError(f"repeats={repeats}; at least one pass must be timed")
    for layer in network.modules():
        if isinstance(layer, nn.RNNBase) and layer.dropout == 0:
            layer.train()
    taken = []
    for _ in range(repeats):
        _wait(volumes)
        begin = time.perf_counter()
        network(volumes).sum().backward()
        _wait(volumes)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def _wait(tensor: Tensor) -> None:
    """Until the device has done what it was told."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
