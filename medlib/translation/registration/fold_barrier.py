"""A displacement that pays for folds: the plain rival of a velocity that is followed.

Beside the penalty of smoothness stands one on determinants, at the corners of cells:

    barrier · mean of max(0, least - det J)²

It asks of a displacement what a velocity has by its making, and may leave a fold where that pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.jacobian import corner_determinants

__all__ = ["BarredDisplacement"]


@dataclass(frozen=True)
class BarredDisplacement(FieldModel):
    """A displacement whose determinants are held above a least value, at a price.

    Args:
        barrier: price of the barrier, in those of smoothness; λ multiplies both.
        least: below which determinant it is to be paid.

    Raises:
        ValueError: another kind, a negative price, or a least value outside 0 to 1, which is the
            determinant of the map that moves nothing.

    Example:
        >>> import torch
        >>> u = torch.zeros(1, 2, 8, 8)
        >>> u[0, 0, 4, 4] = 3.0                                # thrown past two rows
        >>> free, barred = FieldModel("displacement"), BarredDisplacement(barrier=10.0)
        >>> bool(barred.penalty(u) > free.penalty(u)), bool((barred.penalty(0 * u) == 0).all())
        (True, True)

    Source: Kuang and Schmah (2019), doi:10.48550/arXiv.1811.09243, on such a term in training.
    """

    kind: str = "displacement"
    barrier: float = 1000.0
    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind != "displacement":
            raise ValueError(f"kind={self.kind!r}: a displacement; velocities need no barrier")
        if not self.barrier >= 0 or not 0 <= self.least < 1:
            raise ValueError(
                f"barrier={self.barrier}, least={self.least}: 0 or more, and at least 0, below 1"
            )

    def penalty(
        self,
        numbers: Float[Tensor, "batch channels *grid"],
        *,
        spacing_mm: Sequence[float] | None = None,
    ) -> Float[Tensor, " batch"]:
        """The diffusion energy of u, and the barrier's.

        Raises:
            ValueError: not as many channels as dimensions.
        """
        smooth = super().penalty(numbers, spacing_mm=spacing_mm)
        short = (self.least - corner_determinants(numbers)).clamp(min=0)
        return smooth + self.barrier * short.square().flatten(1).mean(dim=1)
