"""Freeze plans: everything below one depth stands still, its running statistics included."""

from __future__ import annotations

from dataclasses import dataclass

from medlib.nets.depths import LAST_DEPTH, depth_of, modules_by_depth
from medlib.nets.efficientnet_lite import EfficientNetLite0

__all__ = ["FreezePlan", "planned_parameters", "set_modes"]


@dataclass(frozen=True)
class FreezePlan:
    """What moves: every depth l >= `from_depth`, from the stem (0) to the classifier (9).

    Args:
        from_depth: l₀; 0 = everything moves, 9 = the classifier alone.
        statistics: "source" keeps every running mean and variance; "batch" lets those at the
            moving depths follow the batches. Below l₀ they never move.

    Raises:
        ValueError: no such depth, or an unknown choice.

    Example:
        >>> plan = FreezePlan(from_depth=7)
        >>> plan.moves("stages.6.0.expand.0.weight"), plan.moves("stages.5.0.expand.0.weight")
        (True, False)

    Source of transfer cut at a depth: Yosinski et al. (2014), doi:10.48550/arXiv.1411.1792.
    """

    from_depth: int
    statistics: str = "source"

    def __post_init__(self) -> None:
        if not 0 <= self.from_depth <= LAST_DEPTH:
            raise ValueError(f"from_depth={self.from_depth}: depths run from 0 to {LAST_DEPTH}")
        if self.statistics not in ("source", "batch"):
            raise ValueError(f'statistics={self.statistics!r}; choose "source" or "batch"')

    def moves(self, name: str) -> bool:
        """Return whether the parameter or buffer of that name lies at a moving depth."""
        return depth_of(name) >= self.from_depth


def planned_parameters(network: EfficientNetLite0, plan: FreezePlan) -> tuple[str, ...]:
    """Return the names of the parameters that may move, in the network's order.

    Example:
        >>> planned_parameters(EfficientNetLite0(classes=2), FreezePlan(from_depth=9))
        ('classifier.weight', 'classifier.bias')
    """
    return tuple(name for name, _ in network.named_parameters() if plan.moves(name))


def set_modes(network: EfficientNetLite0, plan: FreezePlan) -> EfficientNetLite0:
    """Put each depth into the mode that the plan asks for; return the network.

    A frozen layer left in training mode still renews its running means and variances at every
    forward pass: no gradient is needed for that. So depths below l₀ are put into evaluation mode.

    Example:
        >>> network = set_modes(EfficientNetLite0(), FreezePlan(from_depth=8, statistics="batch"))
        >>> network.stem.training, network.head.training
        (False, True)
    """
    network.eval()
    for depth, module in enumerate(modules_by_depth(network)):
        module.train(plan.statistics == "batch" and depth >= plan.from_depth)
    return network
