"""The ten depths of the ImageNet network: where each parameter sits, what may move, how fast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0

__all__ = ["LAST_DEPTH", "depth_of", "freeze_all_but", "groups_by_depth", "modules_by_depth"]

LAST_DEPTH = len(DEPTHS)  # the classifier's; the stem's is 0


def depth_of(parameter: str) -> int:
    """Return the depth, 0 (stem) to 9 (classifier), at which a parameter of the network sits.

    Raises:
        ValueError: no such part in EfficientNet-Lite0.

    Example:
        >>> depth_of("stem.0.weight"), depth_of("stages.6.0.project.1.bias")
        (0, 7)
    """
    part, *rest = parameter.split(".")
    if part == "stages":
        return 1 + int(rest[0])
    depths = {"stem": 0, "head": LAST_DEPTH - 1, "classifier": LAST_DEPTH}
    if part not in depths:
        raise ValueError(f"parameter {parameter!r} starts with none of stages, {', '.join(depths)}")
    return depths[part]


def modules_by_depth(network: EfficientNetLite0) -> tuple[nn.Module, ...]:
    """Return the network's ten parts, stem first, classifier last.

    Example:
        >>> len(modules_by_depth(EfficientNetLite0()))
        10
    """
    return (network.stem, *network.stages, network.head, network.classifier)


def freeze_all_but(network: nn.Module, names: Iterable[str]) -> nn.Module:
    """Let gradients reach the named parameters only; return the network, which may be any.

    Raises:
        ValueError: a name that is none of the network's parameters.
    """
    wanted = set(names)
    unknown = wanted - {name for name, _ in network.named_parameters()}
    if unknown:
        raise ValueError(f"the network has no parameter {sorted(unknown)[0]!r}")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in wanted)
    return network


def groups_by_depth(
    network: EfficientNetLite0, names: Iterable[str], *, rates: Sequence[float]
) -> list[dict[str, Any]]:
    """Return one optimiser group a depth of the named parameters, stem first.

    Depths at which nothing is named have no group.

    Args:
        rates: one learning rate a depth, ten in all.

    Raises:
        ValueError: another number of rates.

    Example:
        >>> rates = [2.0**depth for depth in range(10)]
        >>> groups = groups_by_depth(EfficientNetLite0(), ["classifier.bias"], rates=rates)
        >>> [group["lr"] for group in groups]
        [512.0]
    """
    if len(rates) != LAST_DEPTH + 1:
        raise ValueError(f"{len(rates)} rates; the network has {LAST_DEPTH + 1} depths")
    at: dict[int, list[nn.Parameter]] = {}
    parameters = dict(network.named_parameters())
    for name in names:
        at.setdefault(depth_of(name), []).append(parameters[name])
    return [{"params": at[depth], "lr": rates[depth]} for depth in sorted(at)]
