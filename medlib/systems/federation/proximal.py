"""FedProx's leash: what is added to a hospital's loss so that it does not wander off."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from medlib.systems.federation.weighted_mean import State

__all__ = ["proximal_term"]


def proximal_term(model: nn.Module, received: State, *, mu: float) -> Tensor:
    r"""Half of mu times the squared distance from the weights that the round began with.

    $\frac{\mu}{2}\lVert w - w^t \rVert^2$, with gradient $\mu (w - w^t)$: none at the first step of
    a round, then a pull back that grows with the distance. Over the trained parameters only:
    statistics of normalisation are counted, not trained.

    Args:
        model: being trained; parameters that do not require a gradient do not count.
        received: state that the hospital was given at the start of the round.
        mu: >= 0; 0 is FedAvg.

    Returns:
        A scalar.

    Raises:
        ValueError: a negative mu, or a parameter that was not received or has another shape.

    Example:
        >>> net = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.constant_(net.weight, 3.0)
        >>> proximal_term(net, {"weight": torch.tensor([[1.0]])}, mu=0.5).item()
        1.0

    Source: Li et al. 2020, doi:10.48550/arXiv.1812.06127, equation 2.
    """
    if mu < 0:
        raise ValueError(f"mu is {mu}; a leash pulls back: mu >= 0")
    distance = torch.zeros(())
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name not in received or received[name].shape != parameter.shape:
            there = tuple(received[name].shape) if name in received else "missing"
            raise ValueError(
                f"parameter {name!r} has shape {tuple(parameter.shape)}; what was received: {there}"
            )
        apart = parameter - received[name].detach().to(parameter.device)
        distance = distance.to(parameter) + apart.square().sum()
    return mu / 2 * distance
