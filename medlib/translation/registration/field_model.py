"""What a registration fits: a displacement at once, or a velocity that is followed.

The same numbers, of a network or of an optimiser, are read in one of three ways:

- "displacement": they are u. Nothing keeps it from folding but its penalty; the way back is sought.
- "stationary velocity": they are v, and u is that of exp(v); the way back is exp(-v).
- "time-dependent velocity": they are v_1, …, v_T; the way back is that in reverse.

All else being the same, what differs between them is the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.composition import invert
from medlib.translation.registration.displacement import checked_field
from medlib.translation.registration.smoothness import diffusion_energy
from medlib.translation.registration.stationary_velocity import exponential
from medlib.translation.registration.time_dependent_velocity import (
    chained_exponentials,
    reversed_in_time,
)

__all__ = ["MODELS", "FieldModel"]

MODELS = ("displacement", "stationary velocity", "time-dependent velocity")


@dataclass(frozen=True)
class FieldModel:
    """How numbers on a grid become a map.

    Args:
        kind: one of `MODELS`.
        squarings: of each exponential; a displacement has none.
        times: intervals of time, one unless the velocity depends on it.

    Raises:
        ValueError: an unknown kind, squarings negative, or intervals that the kind does not have.

    Example:
        >>> import torch
        >>> model = FieldModel("time-dependent velocity", squarings=4, times=3)
        >>> model.channels(dims=2), model.displacement(torch.zeros(1, 6, 8, 8)).shape
        (6, torch.Size([1, 2, 8, 8]))
    """

    kind: str
    squarings: int = 7
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in MODELS:
            raise ValueError(f"kind={self.kind!r}: one of {', '.join(MODELS)}")
        if self.squarings < 0:
            raise ValueError(f"squarings={self.squarings}: 0 or more")
        if self.times < 1 or (self.times > 1 and self.kind != MODELS[2]):
            raise ValueError(f"times={self.times} of a {self.kind}: one, or more if it changes")

    def channels(self, *, dims: int) -> int:
        """How many numbers a voxel has, in 2 or 3 dimensions."""
        return self.times * dims

    def displacement(
        self, numbers: Float[Tensor, "batch channels *grid"]
    ) -> Float[Tensor, "batch dims *grid"]:
        """u of φ, in voxels, from fixed to moving.

        Raises:
            ValueError: not as many channels as the model has.
        """
        fields = self._fields(numbers)
        if self.kind == "displacement":
            return fields[0]
        if self.kind == "stationary velocity":
            return exponential(fields[0], squarings=self.squarings)
        return chained_exponentials(fields, squarings=self.squarings)

    def way_back(
        self, numbers: Float[Tensor, "batch channels *grid"]
    ) -> Float[Tensor, "batch dims *grid"]:
        """u of φ⁻¹, in voxels, from moving to fixed; of a displacement what `invert` finds.

        Raises:
            ValueError: not as many channels as the model has.
        """
        fields = self._fields(numbers)
        if self.kind == "displacement":
            return invert(fields[0]).by_voxels
        if self.kind == "stationary velocity":
            return exponential(-fields[0], squarings=self.squarings)
        return chained_exponentials(reversed_in_time(fields), squarings=self.squarings)

    def penalty(
        self,
        numbers: Float[Tensor, "batch channels *grid"],
        *,
        spacing_mm: Sequence[float] | None = None,
    ) -> Float[Tensor, " batch"]:
        """The diffusion energy of what is fitted, u or v, the mean over intervals of time.

        Raises:
            ValueError: not as many channels as the model has.
        """
        fields = self._fields(numbers)
        energy = diffusion_energy(fields.flatten(0, 1), spacing_mm=spacing_mm)
        return energy.reshape(self.times, -1).mean(dim=0)

    def _fields(self, numbers: Tensor) -> Tensor:
        """(times, batch, dims, *grid)."""
        dims = numbers.ndim - 2
        if numbers.shape[1] != self.channels(dims=dims):
            raise ValueError(
                f"{numbers.shape[1]} channels: a {self.kind} with {self.times} interval(s) has"
                f" {self.channels(dims=dims)} in {dims} dimensions"
            )
        fields = numbers.unflatten(1, (self.times, dims)).movedim(1, 0)
        checked_field(fields[0], name="the field")
        return fields
