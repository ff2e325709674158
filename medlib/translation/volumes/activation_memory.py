"""What a network keeps in memory for the backward pass, counted in bytes rather than guessed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["activation_bytes", "parameter_count"]


def parameter_count(network: nn.Module) -> int:
    """Return the number of parameters.

    Example:
        >>> parameter_count(nn.Linear(3, 2))
        8
    """
    return sum(parameter.numel() for parameter in network.parameters())


def activation_bytes(network: nn.Module, images: Tensor) -> int:
    """Return the bytes of all maps that one forward pass keeps until its backward pass.

    Autograd saves tensors for the gradient; each stretch of memory counts once, however many
    layers need it, and the parameters, which are there anyway, do not count. This is what grows
    with the batch and what a graphics card runs out of.

    Args:
        network: its mode is left as it is.
        images: one batch.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
        >>> activation_bytes(net, torch.zeros(2, 4))  # the input and the output, 8 numbers each
        64
    """
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    own |= {buffer.untyped_storage().data_ptr() for buffer in network.buffers()}
    kept: dict[int, Tensor] = {}  # holding the tensors keeps their addresses from being reused

    def keep(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in own:
            kept[address] = tensor
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network(images)
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    del answer
    return total
