"""The sanity check of Adebayo et al.: destroy a network from the top down, and watch its map."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from medlib.nets.efficientnet_lite import initialise

__all__ = ["cascade"]


def cascade(
    network: nn.Module, *, parts: Sequence[str], generator: torch.Generator
) -> Iterator[tuple[str, nn.Module]]:
    """Yield the network with its first part random, then its first two, and so on.

    A map that explains what the network learned must change as the learning goes. One that stays is
    an edge detector.

    Args:
        network: copied, never changed.
        parts: names of modules, from the output down, e.g. ("classifier", "head", "stages.6").
        generator: draws the new weights; a CPU generator.

    Yields:
        (the part that was randomised last, the network so far), in evaluation mode. The same
        network is handed out each time, further destroyed: use it before asking for the next.

    Raises:
        ValueError: a part that the network does not have.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        >>> steps = cascade(net, parts=("1", "0"), generator=torch.Generator().manual_seed(0))
        >>> [(name, torch.equal(random[0].weight, net[0].weight)) for name, random in steps]
        [('1', True), ('0', False)]

    Source: Adebayo et al. (2018), doi:10.48550/arXiv.1810.03292.
    """
    known = {name for name, _ in network.named_modules()} - {""}
    if unknown := [part for part in parts if part not in known]:
        raise ValueError(f"the network has no part {unknown[0]!r}; there are {sorted(known)[:12]}")
    return _cascade(copy.deepcopy(network).eval(), parts, generator)


def _cascade(network, parts, generator) -> Iterator[tuple[str, nn.Module]]:
    for part in parts:
        initialise(network.get_submodule(part), generator=generator)
        yield part, network
