"""The same weights at other places within their kernels: what does it matter where they stand?"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["shuffled_kernels", "turned_kernels"]


def shuffled_kernels(network: nn.Module, *, generator: torch.Generator) -> nn.Module:
    """Return a copy in which every depthwise kernel's weights change places at random.

    Args:
        network: left as it is; layers with one group are copied as they are.
        generator: on the CPU.

    Example:
        >>> layer = nn.Conv2d(1, 1, 3, groups=1)
        >>> same = shuffled_kernels(nn.Sequential(layer), generator=torch.Generator())
        >>> torch.equal(same[0].weight, layer.weight)
        True
    """

    def shuffle(kernels: Tensor) -> Tensor:
        flat = kernels.flatten(1)
        order = torch.rand(flat.shape, generator=generator).argsort(dim=1)
        return flat.gather(1, order.to(flat.device)).reshape(kernels.shape)

    return _rearranged(network, shuffle)


def turned_kernels(network: nn.Module, *, generator: torch.Generator) -> nn.Module:
    """Return a copy in which every depthwise kernel is turned and mirrored at random, as a whole.

    A weight keeps its distance from the middle and its neighbours; its direction is drawn by lot,
    one of the eight ways in which a square can be laid on itself.

    Args:
        network: left as it is; layers with one group are copied as they are.
        generator: on the CPU.

    Raises:
        ValueError: a depthwise kernel that is not square.
    """

    def turn(kernels: Tensor) -> Tensor:
        if kernels.shape[-1] != kernels.shape[-2]:
            raise ValueError(f"kernels are {tuple(kernels.shape[-2:])}; expected square ones")
        draws = torch.randint(0, 8, (len(kernels),), generator=generator).to(kernels.device)
        laid = kernels
        for quarter_turns in (1, 2, 3):
            here = (draws % 4 == quarter_turns)[:, None, None, None]
            laid = torch.where(here, kernels.rot90(quarter_turns, dims=(-2, -1)), laid)
        return torch.where((draws >= 4)[:, None, None, None], laid.flip(-1), laid)

    return _rearranged(network, turn)


def _rearranged(
    network: nn.Module,
    new: Callable[[Float[Tensor, "c 1 k k"]], Float[Tensor, "c 1 k k"]],
) -> nn.Module:
    network = copy.deepcopy(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            layer.weight.data.copy_(new(layer.weight.detach()))
    return network
