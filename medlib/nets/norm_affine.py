"""Batch normalisation's scales and shifts: which parameters they are, and how few."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

__all__ = ["norm_affine_parameters", "parameter_share"]


def norm_affine_parameters(network: nn.Module) -> tuple[str, ...]:
    """Return the names of every batch normalisation's scale γ and shift β, in any network.

    Example:
        >>> norm_affine_parameters(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
        ('1.weight', '1.bias')

    Source of training them alone: Frankle, Schwab and Morcos (2021),
    doi:10.48550/arXiv.2003.00152.
    """
    return tuple(
        f"{prefix}.{name}" if prefix else name
        for prefix, module in network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        for name, _ in module.named_parameters(recurse=False)
    )


def parameter_share(network: nn.Module, names: Iterable[str]) -> float:
    """Return the named parameters' share of all numbers that training could move.

    Raises:
        ValueError: a name that is none of the network's parameters, or is given twice.

    Example:
        >>> parameter_share(nn.Linear(3, 1), ["bias"])
        0.25
    """
    sizes = {name: parameter.numel() for name, parameter in network.named_parameters()}
    wanted = list(names)
    if len(set(wanted)) != len(wanted):
        raise ValueError("a parameter is named twice: it would be counted twice")
    if unknown := set(wanted) - sizes.keys():
        raise ValueError(f"the network has no parameter {sorted(unknown)[0]!r}")
    return sum(sizes[name] for name in wanted) / sum(sizes.values())
