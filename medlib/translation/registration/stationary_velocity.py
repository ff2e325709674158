"""A stationary velocity field, followed for one unit of time, is a map that can be undone.

    dφ/dt = v(φ),  φ(0) = id,  exp(v) = φ(1),  exp(v)⁻¹ = exp(-v)

Trajectories of a smooth velocity never meet, so nothing folds, as long as they are followed well
enough. Two ways to do so:

- Scaling and squaring: exp(v) = exp(v/2^K)^(2^K). The first small step is v/2^K itself, and each of
  K compositions doubles the time. The error falls as 2^-K, down to what interpolation adds: a
  composition reads the field between its voxels.
- Following each voxel along v, step by step: Euler's rule, whose error falls as 1/steps, or the
  classical rule of Runge and Kutta, as 1/steps⁴ while a trajectory stays between the same voxels:
  across their borders an interpolated v has kinks. It reads v only, so that nothing adds up.

On a grid neither is exact: exp(v) there can fold, where v changes fast and the steps are few.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.composition import compose
from medlib.translation.registration.displacement import checked_field
from medlib.translation.registration.warp import warp

__all__ = ["RULES", "exponential", "flow", "stepped"]

RULES = ("euler", "rk4")


def exponential(
    velocity: Float[Tensor, "batch dims *grid"], *, squarings: int = 7
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement of exp(v), by scaling and squaring.

    Args:
        velocity: v, in voxels per unit of time.
        squarings: K ≥ 0; with 0 it is v itself.

    Returns:
        u of exp(v), in voxels; that of its inverse is `exponential(-velocity)`.

    Raises:
        ValueError: no field, or K negative.

    Example:
        >>> shrink = torch.linspace(-1, 1, 5).expand(1, 1, 5, 5)     # v = x/2 about the centre
        >>> u = exponential(-torch.cat([shrink.mT, shrink], dim=1), squarings=8)
        >>> round(float(u[0, 1, 2, 4]), 2)                           # 2 (e^-1/2 - 1)
        -0.79

    Source: Arsigny et al. (2006), doi:10.1007/11866565_113; Ashburner (2007),
    doi:10.1016/j.neuroimage.2007.07.007; in a network, Dalca et al. (2019),
    doi:10.1016/j.media.2019.07.006.
    """
    checked_field(velocity, name="velocity")
    if squarings < 0:
        raise ValueError(f"squarings={squarings}: 0 or more")
    by = velocity / 2**squarings
    for _ in range(squarings):
        by = compose(by, first=by)
    return by


def flow(
    velocity: Float[Tensor, "batch dims *grid"], *, steps: int, rule: str = "rk4"
) -> Float[Tensor, "batch dims *grid"]:
    """The displacement of exp(v), by following every voxel along v.

    Args:
        velocity: v, in voxels per unit of time; beyond the edge as on it.
        steps: equal steps, ≥ 1.
        rule: one of `RULES`.

    Returns:
        u of exp(v), in voxels.

    Raises:
        ValueError: no field, no step, or an unknown rule.

    Example:
        >>> shrink = torch.linspace(-1, 1, 5).expand(1, 1, 5, 5)
        >>> u = flow(-torch.cat([shrink.mT, shrink], dim=1), steps=4)
        >>> round(float(u[0, 1, 2, 4]), 4)                           # 2 (e^-1/2 - 1) is -0.7869
        -0.7869

    Source: Beg et al. (2005), doi:10.1023/B:VISI.0000043755.93987.aa, on flows as registrations.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: 1 or more")
    by = torch.zeros_like(checked_field(velocity, name="velocity"))
    for _ in range(steps):
        by = stepped(by, velocity=velocity, time=1 / steps, rule=rule)
    return by


def stepped(
    by_voxels: Float[Tensor, "batch dims *grid"],
    *,
    velocity: Float[Tensor, "batch dims *grid"],
    time: float,
    rule: str,
) -> Float[Tensor, "batch dims *grid"]:
    """One step onward from where a displacement has led.

    Raises:
        ValueError: an unknown rule, or fields of unlike shapes.

    Example:
        >>> down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 4, 4)
        >>> stepped(down, velocity=down, time=0.5, rule="euler")[0, :, 0, 0]
        tensor([1.5000, 0.0000])
    """
    if rule not in RULES:
        raise ValueError(f"rule={rule!r}: one of {', '.join(RULES)}")

    def at(by: Tensor) -> Tensor:
        return warp(velocity, by_voxels=by)

    k1 = at(by_voxels)
    if rule == "euler":
        return by_voxels + time * k1
    k2 = at(by_voxels + time / 2 * k1)
    k3 = at(by_voxels + time / 2 * k2)
    k4 = at(by_voxels + time * k3)
    return by_voxels + time / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
