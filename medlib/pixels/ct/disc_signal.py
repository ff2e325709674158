"""A lesion's contrast and its noise, as a reader sees them who looks at the lesion's disc alone."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class DiscSignal:
    """What the mean over a disc tells.

    Attributes:
        contrast: how much higher it is with the lesion, on average over scans; the images' unit.
        noise: its standard deviation from scan to scan, of both kinds of scan; the same unit.
    """

    contrast: float
    noise: float

    @property
    def ratio(self) -> float:
        """Contrast over noise; without noise, infinite."""
        return self.contrast / self.noise if self.noise else float("inf")


def disc_signal(
    present: Float[Tensor, "n height width"],
    absent: Float[Tensor, "m height width"],
    *,
    spot: Bool[Tensor, "height width"],
) -> DiscSignal:
    """Contrast and noise of the mean over a disc, c = m̄₁ - m̄₀ and s² = (s₁² + s₀²)/2.

    Args:
        present: scans with the lesion.
        absent: scans without it.
        spot: the lesion's disc.

    Raises:
        ValueError: the disc is empty, or a set has fewer than two scans.

    Example:
        >>> import torch
        >>> spot = torch.eye(4, dtype=torch.bool)
        >>> found = disc_signal(torch.full((3, 4, 4), 5.0), torch.zeros(3, 4, 4), spot=spot)
        >>> found.contrast, found.noise
        (5.0, 0.0)

    Source: Barrett and Myers (2004), Foundations of Image Science, ISBN 978-0-471-15300-9.
    """
    if not bool(spot.any()):
        raise ValueError("spot marks no pixel; where is the lesion?")
    if min(len(present), len(absent)) < 2:
        raise ValueError(
            f"{len(present)} scans with and {len(absent)} without: noise from scan to scan needs"
            " two of each"
        )
    sick, well = (images[:, spot].mean(1) for images in (present, absent))
    return DiscSignal(
        contrast=float(sick.mean() - well.mean()),
        noise=float(((sick.var() + well.var()) / 2).sqrt()),
    )
