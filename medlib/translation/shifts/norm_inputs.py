"""What enters the batch normalisations of a network when it is shown images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.training import device_of

__all__ = ["norm_layers", "visit_norm_inputs"]


def norm_layers(network: nn.Module) -> list[tuple[str, nn.BatchNorm2d]]:
    """Return name and layer of each batch normalisation, in the order of their definition.

    Raises:
        ValueError: the network has none.

    Example:
        >>> norm_layers(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(1)))[0][0]
        '1'
    """
    layers = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    if not layers:
        raise ValueError("the network has no batch normalisation: nothing remembers its source")
    return layers


@torch.no_grad()
def visit_norm_inputs(
    network: nn.Module,
    images: Float[Tensor, "n c height width"],
    take: Callable[[str, Tensor], None],
    *,
    batch_size: int = 64,
) -> None:
    """Hand what enters each batch normalisation to `take(name, maps)`, batch by batch.

    The network is used in evaluation mode, so that every layer gets what the layers before it make
    of the images, shift and all. It is left in the mode it was in, without hooks.

    Args:
        take: gets the layer's name and its input in double precision, (B, C, H, W).

    Raises:
        ValueError: the network has no batch normalisation.

    Example:
        >>> images = torch.tensor([1.0, 3.0])[:, None, None, None].expand(2, 1, 4, 4)
        >>> visit_norm_inputs(
        ...     nn.Sequential(nn.BatchNorm2d(1)), images, lambda name, x: print(name, x.mean())
        ... )
        0 tensor(2., dtype=torch.float64)
    """

    def keep(name):
        return lambda _, inputs: take(name, inputs[0].double())

    hooks = [layer.register_forward_pre_hook(keep(name)) for name, layer in norm_layers(network)]
    was_training, device = network.training, device_of(network)
    network.eval()
    try:
        for part in images.split(batch_size):
            network(part.to(device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
