"""Weight decay toward a starting point: L2-SP, and plain weight decay toward zero beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Pull", "l2_sp_penalty", "starting_point"]


@dataclass(frozen=True)
class Pull:
    """How strongly the weights are pulled, and where to.

    Args:
        alpha: of the pretrained part, at least 0.
        beta: of the new head, toward zero, at least 0.
        toward: "start" = the pretrained weights (L2-SP); "zero" = plain weight decay.

    Raises:
        ValueError: a negative strength, or an unknown aim.

    Example:
        >>> Pull(alpha=0.1).toward
        'start'
    """

    alpha: float
    beta: float = 0.0
    toward: str = "start"

    def __post_init__(self) -> None:
        if self.alpha < 0 or self.beta < 0:
            raise ValueError(f"alpha={self.alpha}, beta={self.beta}: a pull is not negative")
        if self.toward not in ("start", "zero"):
            raise ValueError(f'toward={self.toward!r}; choose "start" or "zero"')


def starting_point(network: nn.Module, *, new: Iterable[str] = ()) -> dict[str, Tensor]:
    """Return copies of the pretrained parameters: all but those of the `new` modules.

    Raises:
        ValueError: a new module that has no parameter in the network.

    Example:
        >>> net = nn.ModuleDict({"body": nn.Linear(1, 1), "head": nn.Linear(1, 2)})
        >>> sorted(starting_point(net, new=["head"]))
        ['body.bias', 'body.weight']
    """
    names = {name for name, _ in network.named_parameters()}
    fresh = set()
    for module in new:
        own = {name for name in names if name.startswith(f"{module}.")}
        if not own:
            raise ValueError(f"the network has no module {module!r} with parameters")
        fresh |= own
    return {n: p.detach().clone() for n, p in network.named_parameters() if n not in fresh}


def l2_sp_penalty(network: nn.Module, start: Mapping[str, Tensor], *, pull: Pull) -> Tensor:
    """Return what is added to the loss so that weights stay near where they started.

    Ω(w) = α/2 |w_S - w_S⁰|² + β/2 |w_H|²

    w_S are the parameters named in `start`, w_S⁰ their values there; w_H are all others, the new
    head. With toward="zero", w_S⁰ is replaced by zero.

    Args:
        start: pretrained values by parameter name (`starting_point`).

    Returns:
        A scalar; its gradient is α (w_S - w_S⁰) and β w_H.

    Raises:
        ValueError: `start` names a parameter that the network does not have.

    Example:
        >>> net = nn.Linear(1, 1)
        >>> _ = nn.init.constant_(net.weight, 3.0), nn.init.constant_(net.bias, 2.0)
        >>> pull = Pull(alpha=1.0, beta=0.5)
        >>> l2_sp_penalty(net, {"weight": torch.tensor([[1.0]])}, pull=pull).item()
        3.0

    Source: Li, Grandvalet and Davoine (2018), doi:10.48550/arXiv.1802.01483.
    """
    parameters = dict(network.named_parameters())
    unknown = start.keys() - parameters.keys()
    if unknown:
        raise ValueError(f"the network has no parameter {sorted(unknown)[0]!r} to hold back")
    old, new = [], []
    for name, w in parameters.items():
        if name not in start:
            new.append(w.square().sum())
        else:
            away = w - start[name] if pull.toward == "start" else w
            old.append(away.square().sum())
    zero = torch.zeros((), device=next(iter(parameters.values())).device)
    return pull.alpha / 2 * sum(old, zero) + pull.beta / 2 * sum(new, zero)
