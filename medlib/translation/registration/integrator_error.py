"""What the number of steps is worth: the same velocities, followed with few steps and with many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medlib.translation.registration.composition import inverse_consistency_mm
from medlib.translation.registration.displacement import length_mm
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.stationary_velocity import exponential, flow

__all__ = ["IntegratorError", "integrator_error"]


@dataclass(frozen=True, eq=False)
class IntegratorError:
    """One row for each number of squarings, one column for each field.

    Attributes:
        squarings: as they were asked for.
        apart_mm: root mean square distance from the reference.
        inverse_mm: root mean square of |exp(v)(exp(-v)(x)) - x|, both by squaring, where known.
        folded: share of cells that fold.
        reference_folded: the same of the reference, one a field.
    """

    squarings: tuple[int, ...]
    apart_mm: Float[np.ndarray, "squarings batch"]
    inverse_mm: Float[np.ndarray, "squarings batch"]
    folded: Float[np.ndarray, "squarings batch"]
    reference_folded: Float[np.ndarray, " batch"]


@torch.no_grad()
def integrator_error(
    velocity: Float[Tensor, "batch dims *grid"],
    *,
    squarings: Sequence[int],
    spacing_mm: Sequence[float],
    reference_steps: int = 64,
    mask: Bool[Tensor, " batch *grid"] | None = None,
) -> IntegratorError:
    """Compare scaling and squaring with Runge and Kutta's rule in many steps.

    The distance does not fall to zero: squaring reads the growing field between its voxels in every
    composition, the reference reads the velocity only.

    Args:
        velocity: v, in voxels per unit of time.
        squarings: numbers of squarings K to try.
        spacing_mm: the voxel's side along each axis.
        reference_steps: of the reference.
        mask: counts only there; None counts everywhere.

    Raises:
        ValueError: no field, no spacing of it, no step, or K negative.

    Example:
        >>> shrink = torch.linspace(-1, 1, 5).expand(1, 1, 5, 5)
        >>> v = -torch.cat([shrink.mT, shrink], dim=1)
        >>> found = integrator_error(v, squarings=(1, 6), spacing_mm=(1.0, 1.0))
        >>> bool(found.apart_mm[0] > 8 * found.apart_mm[1]), float(found.folded.max())
        (True, 0.0)

    Source: as `exponential` and `flow`.
    """
    counted = torch.ones_like(velocity[:, 0], dtype=torch.bool) if mask is None else mask
    reference = flow(velocity, steps=reference_steps)
    rows = []
    for k in squarings:
        there, back = (exponential(sign * velocity, squarings=k) for sign in (1, -1))
        missed = inverse_consistency_mm(there, backward=back, spacing_mm=spacing_mm)
        rows.append(
            (
                _rms(length_mm(there - reference, spacing_mm=spacing_mm), counted),
                _rms(missed, counted & ~missed.isnan()),
                folded_share(there, mask=mask).cpu().numpy().astype(float),
            )
        )
    table = np.array(rows, dtype=float).reshape(len(rows), 3, len(velocity))
    folded = folded_share(reference, mask=mask).cpu().numpy().astype(float)
    return IntegratorError(tuple(squarings), *table.swapaxes(0, 1), folded)


def _rms(lengths: Tensor, mask: Tensor) -> np.ndarray:
    squares = torch.where(mask, lengths, 0).double().square().flatten(1).sum(dim=1)
    return (squares / mask.flatten(1).sum(dim=1)).sqrt().cpu().numpy()
