"""The arms of a transfer study: which parameters move, and how fast at each depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0

__all__ = [
    "Arm",
    "depth_of",
    "freeze_all_but",
    "groups_by_depth",
    "moving_parameters",
    "rate_groups",
]

LAST_DEPTH = len(DEPTHS)  # the classifier's; the stem's is 0


@dataclass(frozen=True)
class Arm:
    """One way to use a pretrained network, and the only things in which two arms may differ.

    Args:
        name: as shown to the reader.
        moves: "head" = the classifier alone; "norm" = also every normalisation's scale and shift;
            "all" = every parameter.
        peak_rate: η, the classifier's highest learning rate.
        depth_factor: ξ, 0 < ξ <= 1; a layer at depth l of L gets η ξ^(L-l). 1 = one rate for all.
        pretrained: False starts from random weights.
        statistics: "source" normalises by the source's means and variances, in training too;
            "batch" by each batch's own in training, and by new ones of the training set after it.

    Raises:
        ValueError: an unknown choice, a rate that is not positive, ξ outside (0, 1], or random
            weights under the source's statistics.

    Example:
        >>> Arm("discriminative", moves="all", peak_rate=1e-2, depth_factor=0.5).rate_at(depth=7)
        0.0025

    Source of the graded rates: Howard and Ruder (2018), doi:10.18653/v1/P18-1031.
    """

    name: str
    moves: str
    peak_rate: float = 1e-3
    depth_factor: float = 1.0
    pretrained: bool = True
    statistics: str = "source"

    def __post_init__(self) -> None:
        if self.moves not in ("head", "norm", "all"):
            raise ValueError(f'moves={self.moves!r}; choose "head", "norm" or "all"')
        if not self.peak_rate > 0:
            raise ValueError(f"peak_rate={self.peak_rate}: a learning rate is above 0")
        if not 0 < self.depth_factor <= 1:
            raise ValueError(f"depth_factor={self.depth_factor}: 0 < depth_factor <= 1")
        if self.statistics not in ("source", "batch"):
            raise ValueError(f'statistics={self.statistics!r}; choose "source" or "batch"')
        if not self.pretrained and (self.statistics != "batch" or self.moves != "all"):
            raise ValueError('from scratch everything moves: moves="all", statistics="batch"')

    def rate_at(self, *, depth: int) -> float:
        """Return η ξ^(L-l) for depth l = 0 (stem) to L (classifier)."""
        return self.peak_rate * self.depth_factor ** (LAST_DEPTH - depth)


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


def moving_parameters(network: EfficientNetLite0, *, moves: str) -> tuple[str, ...]:
    """Return the names of the parameters that an arm moves, in the network's order.

    Example:
        >>> network = EfficientNetLite0(classes=2)
        >>> moving_parameters(network, moves="head")
        ('classifier.weight', 'classifier.bias')
    """
    names = [name for name, _ in network.named_parameters()]
    if moves == "all":
        return tuple(names)
    wanted = {name for name in names if name.startswith("classifier.")}
    if moves == "norm":
        for prefix, module in network.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                wanted |= {f"{prefix}.weight", f"{prefix}.bias"}
    return tuple(name for name in names if name in wanted)


def freeze_all_but(network: nn.Module, names: Iterable[str]) -> nn.Module:
    """Let gradients reach the named parameters only; return the network.

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


def rate_groups(network: EfficientNetLite0, arm: Arm) -> list[dict[str, Any]]:
    """Return one optimiser group a depth, each with its rate η ξ^(L-l), stem first.

    Only what `arm` moves is in a group; depths at which nothing moves have none.

    Example:
        >>> arm = Arm("graded", moves="all", peak_rate=1e-2, depth_factor=0.5)
        >>> groups = rate_groups(EfficientNetLite0(classes=2), arm)
        >>> [f"{group['lr']:.1e}" for group in groups][-3:]
        ['2.5e-03', '5.0e-03', '1.0e-02']
    """
    return groups_by_depth(network, moving_parameters(network, moves=arm.moves), how=arm)


def groups_by_depth(
    network: EfficientNetLite0, names: Iterable[str], *, how: Any
) -> list[dict[str, Any]]:
    """Return one optimiser group a depth of the named parameters, at `how.rate_at(depth=l)`."""
    at: dict[int, list[nn.Parameter]] = {}
    parameters = dict(network.named_parameters())
    for name in names:
        at.setdefault(depth_of(name), []).append(parameters[name])
    return [{"params": at[depth], "lr": how.rate_at(depth=depth)} for depth in sorted(at)]
