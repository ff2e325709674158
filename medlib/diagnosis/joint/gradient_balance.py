"""A weight that keeps one task's gradient as long as another's, whatever their losses' sizes."""

from __future__ import annotations

import math

from medlib.diagnosis.joint.gradient_cosine import Pull

__all__ = ["GradientBalance"]


class GradientBalance:
    """The weight of the second loss that makes its gradient `share` times as long as the first's.

    Measured now and then on a batch, and smoothed, as one batch's gradient is noisy. With `share` 1
    and without a target for the tasks' speeds it is the balance from which GradNorm starts.

    Args:
        share: length of the second gradient in lengths of the first, above 0.
        memory: how much of the old logarithm stays at each measurement, 0 <= memory < 1.
        first_weight: before anything was measured.

    Raises:
        ValueError: a number out of range.

    Example:
        >>> balance = GradientBalance(memory=0.0)
        >>> balance.update(Pull(first_norm=2.0, second_norm=0.5, cosine=0.1))
        4.0

    Source: Chen et al. (2018), GradNorm, doi:10.48550/arXiv.1711.02257.
    """

    def __init__(self, *, share: float = 1.0, memory: float = 0.9, first_weight: float = 1.0):
        if not share > 0 or not 0 <= memory < 1 or not first_weight > 0:
            raise ValueError(
                f"share = {share} (> 0), memory = {memory} (0 <= memory < 1), first_weight ="
                f" {first_weight} (> 0): one is out of range"
            )
        self.share, self.memory, self.weight = share, memory, first_weight

    def update(self, pull: Pull) -> float:
        """Take a measurement in and return the new weight; one without a length changes nothing."""
        if pull.first_norm > 0 and pull.second_norm > 0:
            wanted = self.share * pull.first_norm / pull.second_norm
            mixed = self.memory * math.log(self.weight) + (1 - self.memory) * math.log(wanted)
            self.weight = math.exp(mixed)
        return self.weight
