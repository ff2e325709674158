"""The arms of a study: what of a pretrained network moves, how fast, from when on, held by what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from medlib.nets.depths import LAST_DEPTH, groups_by_depth
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.norm_affine import norm_affine_parameters
from medlib.translation.moving.freeze_plan import FreezePlan, planned_parameters
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.l2_sp import Pull

__all__ = ["Arm", "moving_parameters", "rate_groups"]


@dataclass(frozen=True)
class Arm:
    """One way to use a pretrained network, and the only things in which two arms may differ.

    Args:
        name: as shown to the reader.
        moves: "head" = the classifier alone; "norm" = also every normalisation's scale and shift;
            "all" = every parameter.
        peak_rate: η, the highest learning rate at the depth that moves fastest.
        depth_factor: ξ, 0 < ξ <= 1; a layer at depth l of L gets η ξ^(L-l). 1 = one rate for all.
        early_first: turn the grading round: depth l gets η ξ^l, so that the stem moves fastest.
        from_depth: everything below this depth stands still, its statistics included.
        unfreezing: a schedule that thaws one depth after the other; None = all from the start.
        weight_decay: AdamW's decoupled decay toward zero; 0 where nothing but `pull` shall hold
            the weights.
        pull: a penalty on the way from the start, or from zero; None = none.
        pretrained: False starts from random weights.
        statistics: "source" normalises by the source's means and variances, in training too;
            "batch" by each batch's own in training, and by new ones of the training set after it,
            at the depths that are not frozen.

    Raises:
        ValueError: an unknown choice, a number outside its range, or random weights of which not
            all move, or under the source's statistics.

    Example:
        >>> graded = Arm("graded", peak_rate=1e-2, depth_factor=0.5)
        >>> graded.rate_at(depth=7), graded.but("ungraded", depth_factor=1.0).rate_at(depth=7)
        (0.0025, 0.01)

    Source of the graded rates: Howard and Ruder (2018), doi:10.18653/v1/P18-1031.
    """

    name: str
    moves: str = "all"
    peak_rate: float = 1e-3
    depth_factor: float = 1.0
    early_first: bool = False
    from_depth: int = 0
    unfreezing: GradualUnfreezing | None = None
    weight_decay: float = 1e-2
    pull: Pull | None = None
    pretrained: bool = True
    statistics: str = "source"

    def __post_init__(self) -> None:
        if self.moves not in ("head", "norm", "all"):
            raise ValueError(f'moves={self.moves!r}; choose "head", "norm" or "all"')
        if not self.peak_rate > 0:
            raise ValueError(f"peak_rate={self.peak_rate}: a learning rate is above 0")
        if not 0 < self.depth_factor <= 1:
            raise ValueError(f"depth_factor={self.depth_factor}: 0 < depth_factor <= 1")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay={self.weight_decay}: a decay is not negative")
        FreezePlan(self.from_depth, statistics=self.statistics)  # refuses what makes no sense
        whole = self.moves == "all" and self.from_depth == 0 and self.unfreezing is None
        if not self.pretrained and not (whole and self.statistics == "batch"):
            raise ValueError(
                'from scratch everything moves, all the time: moves="all", statistics="batch", '
                "no from_depth, no unfreezing"
            )

    def but(self, name: str, **changes: Any) -> Arm:
        """Return an arm that differs from this one in its name and in what is given."""
        return replace(self, name=name, **changes)

    def rate_at(self, *, depth: int) -> float:
        """Return η ξ^(L-l) for depth l = 0 (stem) to L (classifier), or η ξ^l if early_first."""
        steps = depth if self.early_first else LAST_DEPTH - depth
        return self.peak_rate * self.depth_factor**steps

    def plan_at(self, *, step: int) -> FreezePlan:
        """Return what is frozen at one step, counted from 1."""
        thawed = self.unfreezing.from_depth(step) if self.unfreezing else 0
        return FreezePlan(max(self.from_depth, thawed), statistics=self.statistics)

    def moving_at(self, network: EfficientNetLite0, *, step: int) -> tuple[str, ...]:
        """Return the names of the parameters that move at one step, in the network's order."""
        chosen = set(moving_parameters(network, moves=self.moves))
        return tuple(n for n in planned_parameters(network, self.plan_at(step=step)) if n in chosen)


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
        wanted |= set(norm_affine_parameters(network))
    return tuple(name for name in names if name in wanted)


def rate_groups(network: EfficientNetLite0, arm: Arm, *, step: int = 1) -> list[dict[str, Any]]:
    """Return one optimiser group a depth, each with its rate, stem first.

    Only what `arm` moves at that step is in a group; depths at which nothing moves have none.

    Example:
        >>> arm = Arm("graded", peak_rate=1e-2, depth_factor=0.5)
        >>> groups = rate_groups(EfficientNetLite0(classes=2), arm)
        >>> [f"{group['lr']:.1e}" for group in groups][-3:]
        ['2.5e-03', '5.0e-03', '1.0e-02']
    """
    rates = [arm.rate_at(depth=depth) for depth in range(LAST_DEPTH + 1)]
    return groups_by_depth(network, arm.moving_at(network, step=step), rates=rates)
