"""Arms of which only some depths move, and a grading that may be turned round in the body alone."""

from __future__ import annotations

from dataclasses import dataclass

from medlib.nets.depths import LAST_DEPTH, depth_of
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.translation.moving.arms import Arm

__all__ = ["DepthWindow"]


@dataclass(frozen=True)
class DepthWindow(Arm):
    """An arm of which depths `from_depth` to `to_depth` move, and the head at the peak rate.

    `Arm` with `early_first` slows the head down with all that is late. Here the head has the peak
    rate η in every arm: depth l < L has η ξ^(L-l), or with `early_first` the mirror image in the
    body, η ξ^(l+1), so that two gradings differ in their order and in nothing else.

    Args:
        to_depth: the last depth of the body that moves, from `from_depth` to 8.

    Raises:
        ValueError: an empty window, or what `Arm` refuses.

    Example:
        >>> late = DepthWindow("late", peak_rate=1.0, depth_factor=0.5)
        >>> early = late.but("early", early_first=True)
        >>> [late.rate_at(depth=l) for l in (7, 8, 9)], [early.rate_at(depth=l) for l in (0, 1, 9)]
        ([0.25, 0.5, 1.0], [0.5, 0.25, 1.0])

    Source of moving early depths alone: Lee et al. (2023), doi:10.48550/arXiv.2210.11466.
    """

    to_depth: int = LAST_DEPTH - 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.from_depth <= self.to_depth < LAST_DEPTH:
            raise ValueError(
                f"to_depth={self.to_depth}: the body moves from from_depth={self.from_depth} to"
                f" to_depth, which is at most {LAST_DEPTH - 1}"
            )

    def rate_at(self, *, depth: int) -> float:
        """Return the peak rate of a depth."""
        if depth == LAST_DEPTH:
            return self.peak_rate
        steps = depth + 1 if self.early_first else LAST_DEPTH - depth
        return self.peak_rate * self.depth_factor**steps

    def moving_at(self, network: EfficientNetLite0, *, step: int) -> tuple[str, ...]:
        """Return the names of the parameters that move at one step, in the network's order."""
        names = super().moving_at(network, step=step)
        moving = (*range(self.to_depth + 1), LAST_DEPTH)
        return tuple(name for name in names if depth_of(name) in moving)
