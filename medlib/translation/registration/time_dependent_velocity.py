"""A velocity that changes with time reaches maps that no stationary one does.

    dφ/dt = v(t, φ),  0 ≤ t ≤ 1

Time is cut into T equal intervals, and in each of them v does not change: φ is the composition of T
exponentials. With T = 1 it is the stationary model. The inverse goes back through the intervals, in
reverse order and along -v.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.composition import compose
from medlib.translation.registration.stationary_velocity import exponential, stepped

__all__ = ["chained_exponentials", "flow_in_time", "reversed_in_time"]


def chained_exponentials(
    velocities: Float[Tensor, "times batch dims *grid"], *, squarings: int = 5
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement of exp(v_T/T) ∘ … ∘ exp(v_1/T), each by scaling and squaring.

    Args:
        velocities: of each interval, in voxels per unit of time, of which all intervals make one.
        squarings: in each interval.

    Returns:
        u, in voxels.

    Raises:
        ValueError: no interval, no field, or squarings negative.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 9, 9)
        >>> there_and_back = torch.stack([down, -down])
        >>> float(chained_exponentials(there_and_back)[..., 4, 4].abs().max())
        0.0

    Source: Beg et al. (2005), doi:10.1023/B:VISI.0000043755.93987.aa, whose penalty is not used
    here.
    """
    _check(velocities)
    # all intervals are exponentiated as one batch
    small = exponential(velocities.flatten(0, 1) / len(velocities), squarings=squarings)
    small = small.reshape(velocities.shape)
    by = small[0]
    for later in small[1:]:
        by = compose(later, first=by)
    return by


def flow_in_time(
    velocities: Float[Tensor, "times batch dims *grid"], *, steps: int, rule: str = "rk4"
) -> Float[Tensor, "batch dims *grid"]:
    """The same, by following every voxel; `steps` of them in each interval.

    Raises:
        ValueError: no interval, no step, or an unknown rule.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 1, 2, 1, 1).expand(3, 1, 2, 9, 9)
        >>> round(float(flow_in_time(down, steps=2)[0, 0, 4, 4]), 4)
        1.0
    """
    _check(velocities)
    if steps < 1:
        raise ValueError(f"steps={steps}: 1 or more in each interval")
    by, time = torch.zeros_like(velocities[0]), 1 / (len(velocities) * steps)
    for velocity in velocities:
        for _ in range(steps):
            by = stepped(by, velocity=velocity, time=time, rule=rule)
    return by


def reversed_in_time(
    velocities: Float[Tensor, "times batch dims *grid"],
) -> Float[Tensor, "times batch dims *grid"]:
    """The velocities that lead back: -v, the last interval first.

    Example:
        >>> velocities = torch.arange(2.0).reshape(2, 1, 1, 1, 1).expand(2, 1, 2, 2, 2)
        >>> reversed_in_time(velocities)[:, 0, 0, 0, 0]
        tensor([-1., -0.])
    """
    return -velocities.flip(0)


def _check(velocities: Tensor) -> None:
    if velocities.ndim not in (5, 6) or not len(velocities):
        raise ValueError(
            f"velocities are {tuple(velocities.shape)}: one field or more for each interval,"
            " (times, batch, dims, *grid)"
        )
