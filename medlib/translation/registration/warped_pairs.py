"""Pairs of images of which it is known which place in one is which place in the other.

Two warps of one anatomy, F = I ∘ a to be held fixed and M = I ∘ b to be moved, lie on each other by

    φ = b⁻¹ ∘ a,  since M(φ(x)) = I(b(b⁻¹(a(x)))) = F(x)

Both are interpolated once, so that neither is sharper. Labels are warped as probabilities and
decided afterwards. Noise is drawn for each image by itself. They have the anatomy of their
template: pairs are no patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from medlib.translation.registration.composition import compose
from medlib.translation.registration.displacement import checked_field
from medlib.translation.registration.warp import warp

__all__ = ["TISSUES", "Pairs", "joined", "warped_pairs"]

TISSUES = {1: "grey matter", 2: "white matter", 3: "fluid"}


@dataclass(frozen=True, eq=False)
class Pairs:
    """One entry a pair.

    Attributes:
        fixed, moving: images, with noise.
        fixed_labels, moving_labels: 0 outside, else a key of `TISSUES`.
        mask: the fixed brain.
        known: φ's displacement from fixed to moving, in voxels; nan where nobody knows it.
        kind: what warped it.
    """

    fixed: Float[Tensor, "n 1 *grid"]
    moving: Float[Tensor, "n 1 *grid"]
    fixed_labels: Integer[Tensor, "n 1 *grid"]
    moving_labels: Integer[Tensor, "n 1 *grid"]
    mask: Bool[Tensor, " n *grid"]
    known: Float[Tensor, "n dims *grid"]
    kind: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.fixed)

    @property
    def images(self) -> tuple[Tensor, Tensor]:
        """(fixed, moving)."""
        return self.fixed, self.moving

    @property
    def truth(self) -> dict[str, Tensor]:
        """What `score_registration` asks for by name."""
        names = ("fixed_labels", "moving_labels", "mask", "known")
        return {name: getattr(self, name) for name in names}

    def of_kind(self, kind: str) -> np.ndarray:
        """True for the pairs of this kind."""
        return np.array([one == kind for one in self.kind])


def warped_pairs(
    anatomy: Float[Tensor, "n 3 *grid"],
    *,
    a: tuple[Float[Tensor, "n dims *grid"], Float[Tensor, "n dims *grid"]],
    b: tuple[Float[Tensor, "n dims *grid"], Float[Tensor, "n dims *grid"]],
    noise: float,
    rng: np.random.Generator,
    kind: str,
    other: Float[Tensor, "n 3 *grid"] | None = None,
) -> Pairs:
    """Warp each anatomy twice.

    Args:
        anatomy: image, probability of grey and of white matter; the brain is where the image is
            above a tenth.
        a: the displacement that makes the fixed image, and its inverse's, in voxels.
        b: the same of the moving image.
        noise: standard deviation of the Gaussian noise of each image.
        rng: draws the noise.
        kind: a name for all of these pairs.
        other: another anatomy to warp by b; then nobody knows the map between them.

    Raises:
        ValueError: no fields, not three channels, unlike shapes, or noise negative.

    Example:
        >>> zero = torch.zeros(1, 2, 8, 8)
        >>> found = warped_pairs(torch.rand(1, 3, 8, 8), a=(zero, zero), b=(zero, zero), noise=0.0,
        ...                      rng=np.random.default_rng(0), kind="still")
        >>> torch.equal(found.fixed, found.moving), float(found.known.abs().max())
        (True, 0.0)
    """
    other = anatomy if other is None else other
    if anatomy.shape[1] != 3 or other.shape != anatomy.shape:
        raise ValueError(
            f"anatomy {tuple(anatomy.shape)} and other {tuple(other.shape)}: both (n, 3, *grid),"
            " an image and the probabilities of grey and white matter"
        )
    for name, fields in (("a", a), ("b", b)):
        for field in fields:
            checked_field(field, name=name)
    if not noise >= 0:
        raise ValueError(f"noise={noise}: 0 or more")
    fixed, moving = warp(anatomy, by_voxels=a[0]), warp(other, by_voxels=b[0])
    known = compose(b[1], first=a[0])
    if other is not anatomy:
        known = torch.full_like(known, torch.nan)
    images = []
    for one in (fixed, moving):
        drawn = rng.normal(size=tuple(one[:, :1].shape)).astype(np.float32)
        images.append(one[:, :1] + noise * torch.from_numpy(drawn).to(one))
    labels = [_decided(one) for one in (fixed, moving)]
    return Pairs(*images, *labels, labels[0][:, 0] > 0, known, (kind,) * len(fixed))


def joined(parts: Sequence[Pairs]) -> Pairs:
    """All pairs of several sets, one set after the other.

    Example:
        >>> zero = torch.zeros(1, 2, 8, 8)
        >>> one = warped_pairs(torch.rand(1, 3, 8, 8), a=(zero, zero), b=(zero, zero), noise=0.0,
        ...                    rng=np.random.default_rng(0), kind="still")
        >>> joined([one, one]).kind
        ('still', 'still')
    """
    names = ("fixed", "moving", "fixed_labels", "moving_labels", "mask", "known")
    tensors = [torch.cat([getattr(part, name) for part in parts]) for name in names]
    return Pairs(*tensors, tuple(kind for part in parts for kind in part.kind))


def _decided(anatomy: Tensor) -> Tensor:
    """Inside the brain the likeliest of grey matter, white matter and what is neither."""
    image, grey, white = anatomy.unbind(dim=1)
    fluid = (1 - grey - white).clamp(min=0)
    likeliest = torch.stack([grey, white, fluid], dim=1).argmax(dim=1) + 1
    return torch.where(image > 0.1, likeliest, 0)[:, None]
