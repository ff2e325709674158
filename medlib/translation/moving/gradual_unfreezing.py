"""Gradual unfreezing: the head first, then one more depth at a time, from the top down."""

from __future__ import annotations

from dataclasses import dataclass

from medlib.nets.depths import LAST_DEPTH

__all__ = ["GradualUnfreezing"]


@dataclass(frozen=True)
class GradualUnfreezing:
    """A schedule: at step t = 1, 2, ... the depths l >= l₀(t) move.

    l₀(t) = max(L - floor((t - 1) / s), 0), with s steps a depth and L = 9, the classifier.

    Args:
        steps_per_depth: s, at least 1.

    Raises:
        ValueError: s below 1, or a step below 1.

    Example:
        >>> schedule = GradualUnfreezing(steps_per_depth=2)
        >>> [schedule.from_depth(step) for step in (1, 2, 3, 4, 5, 19, 500)]
        [9, 9, 8, 8, 7, 0, 0]

    Source: Howard and Ruder (2018), section 3.3, doi:10.18653/v1/P18-1031; a stage is an epoch
    there, and s steps here.
    """

    steps_per_depth: int

    def __post_init__(self) -> None:
        if self.steps_per_depth < 1:
            raise ValueError(f"steps_per_depth={self.steps_per_depth}: give each depth a step")

    @classmethod
    def within(cls, *, steps: int) -> GradualUnfreezing:
        """Return the schedule that spreads the ten depths evenly over `steps` steps.

        With fewer steps than depths the earliest never move.

        Example:
            >>> GradualUnfreezing.within(steps=30)
            GradualUnfreezing(steps_per_depth=3)
        """
        return cls(steps_per_depth=max(steps // (LAST_DEPTH + 1), 1))

    def from_depth(self, step: int) -> int:
        """Return l₀(t), the lowest depth that moves at step t."""
        if step < 1:
            raise ValueError(f"step={step}: steps count from 1")
        return max(LAST_DEPTH - (step - 1) // self.steps_per_depth, 0)
