"""The same field fitted to each pair by itself: what registration was before networks.

    min over u or v of  loss(I_moving ∘ φ, I_fixed) + λ · penalty

by Adam on the numbers of the grid, from coarse to fine. Model, loss and penalty are those of the
network: what differs is that each pair is optimised, and nothing learned from the others. It is the
bound to a network's loss that a network can be held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.registration_network import Registered
from medlib.translation.registration.resolutions import checked_factors, coarsened, refined
from medlib.translation.registration.similarity import Loss
from medlib.translation.registration.warp import warp

__all__ = ["PairFit", "fit_pairs"]


@dataclass(frozen=True, eq=False)
class PairFit:
    """The maps of pairs that were optimised.

    Attributes:
        registered: on the CPU, in voxels.
        losses: mean over the pairs, step by step, one list for each resolution.
        loss: of each pair, at the end.
        ended: whether the finest resolution ended because nothing was gained, and not because its
            steps were used up.
    """

    registered: Registered
    losses: tuple[tuple[float, ...], ...]
    loss: Float[Tensor, " batch"]
    ended: bool


def fit_pairs(
    fixed: Float[Tensor, "batch 1 *grid"],
    moving: Float[Tensor, "batch 1 *grid"],
    *,
    model: FieldModel,
    loss: Loss,
    weight: float,
    spacing_mm: Sequence[float] | None = None,
    factors: Sequence[int] = (4, 2, 1),
    steps: int = 200,
    rate_voxels: float = 0.1,
    gain: float = 1e-4,
    window: int = 20,
) -> PairFit:
    """Optimise u or v of every pair of a batch.

    Adam moves each number by itself and the losses are added up, so that no pair sees another;
    only when to stop is decided for all of them together. A resolution starts at `rate_voxels` and
    its rate falls to nothing along half a cosine.

    Args:
        fixed, moving: images of one grid.
        model: how numbers become a map.
        loss: of (warped, fixed), one number a pair; one of `LOSSES`, or your own.
        weight: λ, of the penalty; no less than 0.
        spacing_mm: the voxel's side along each axis; None stands for cubes.
        factors: how coarse, from coarse to fine, and 1 in the end.
        steps: at most, at each resolution.
        rate_voxels: how far a step moves a number at first, in voxels of its resolution.
        gain: a resolution ends when `window` steps together have lowered the loss by less than this
            share of it.
        window: in steps.

    Raises:
        ValueError: shapes differ, λ negative, no step or window, or sides that cannot be made
            coarse.
        FloatingPointError: the loss is not finite.

    Example:
        >>> from medlib.translation.registration.similarity import LOSSES
        >>> y, x = torch.meshgrid(*[torch.linspace(-1, 1, 16)] * 2, indexing="ij")
        >>> def blob(at): return torch.exp(-4 * ((y - at) ** 2 + x**2))[None, None]
        >>> found = fit_pairs(
        ...     blob(0.0), blob(0.3), model=FieldModel("stationary velocity"), weight=1e-3,
        ...     loss=LOSSES["squared error"], factors=(1,), steps=40)
        >>> bool(found.loss < 0.1 * LOSSES["squared error"](blob(0.0), blob(0.3)))
        True

    Source: Klein et al. (2007), doi:10.1109/TIP.2007.909412, on optimisers of such fields.
    """
    if fixed.shape != moving.shape:
        raise ValueError(f"fixed {tuple(fixed.shape)} and moving {tuple(moving.shape)} differ")
    if not weight >= 0:
        raise ValueError(f"weight={weight}: 0 or more")
    if steps < 1 or window < 1:
        raise ValueError(f"steps={steps}, window={window}: 1 or more")
    factors = checked_factors(factors, grid=fixed.shape[2:])
    dims = fixed.ndim - 2

    def charged(numbers: Tensor, still: Tensor, moved: Tensor) -> Tensor:
        warped = warp(moved, by_voxels=model.displacement(numbers))
        return loss(warped, still) + weight * model.penalty(numbers, spacing_mm=spacing_mm)

    numbers, traces, ended = None, [], False
    for level, factor in enumerate(factors):
        still, moved = (coarsened(image, factor=factor) for image in (fixed, moving))
        if numbers is None:
            numbers = still.new_zeros(len(still), model.channels(dims=dims), *still.shape[2:])
        else:
            numbers = refined(numbers, factor=factors[level - 1] // factor)
        numbers = numbers.detach().requires_grad_()
        adam = torch.optim.Adam([numbers], lr=rate_voxels)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, T_max=steps)
        trace: list[float] = []
        while len(trace) < steps:
            adam.zero_grad()
            total = charged(numbers, still, moved).sum()
            total.backward()
            trace.append(_finite(total, step=len(trace)) / len(still))
            if ended := _settled(trace, gain=gain, window=window):
                break
            adam.step()
            schedule.step()
        traces.append(tuple(trace))
    with torch.no_grad():
        numbers = numbers.detach()
        left = charged(numbers, fixed, moving).cpu()
        found = model.displacement(numbers), model.way_back(numbers), numbers
    return PairFit(Registered(*(field.cpu() for field in found)), tuple(traces), left, ended)


def _settled(trace: list[float], *, gain: float, window: int) -> bool:
    """Means of two windows, as single steps of Adam go up and down."""
    if len(trace) < 2 * window:
        return False
    before, now = (sum(part) / window for part in (trace[-2 * window : -window], trace[-window:]))
    return before - now < gain * abs(before)


def _finite(total: Tensor, *, step: int) -> float:
    value = float(total.detach())
    if not torch.isfinite(total.detach()):
        raise FloatingPointError(f"the loss is {value} at step {step}: lower rate_voxels")
    return value
