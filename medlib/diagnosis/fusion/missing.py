"""Images with one modality taken away: always, or now and then while a network learns."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["MODALITIES", "drop_modalities", "without"]

MODALITIES = {"MRI": (0,), "PET": (1, 2)}  # PET goes with its dose


def without(images: Float[Tensor, "n 3 h w"], modality: str) -> Float[Tensor, "n 3 h w"]:
    """The images with one modality put to its mean, which is zero.

    Args:
        images: (MRI, PET, dose), standardised.
        modality: "MRI", "PET", or "" to take nothing away.

    Raises:
        ValueError: an unknown modality.

    Example:
        >>> without(torch.ones(1, 3, 1, 1), "PET").flatten().tolist()
        [1.0, 0.0, 0.0]
    """
    if modality not in ("", *MODALITIES):
        raise ValueError(f"modality is {modality!r}; choose one of {tuple(MODALITIES)} or ''")
    if not modality:
        return images
    left = images.clone()
    left[:, list(MODALITIES[modality])] = 0
    return left


def drop_modalities(
    images: Float[Tensor, "n 3 h w"], share: float, *, generator: torch.Generator
) -> Float[Tensor, "n 3 h w"]:
    """Take one modality from some of the images: MRI or PET with equal chance, never both.

    Args:
        images: (MRI, PET, dose), standardised.
        share: of the images that lose one, 0..1.
        generator: draws which; a CPU generator.

    Raises:
        ValueError: a share outside 0..1.

    Example:
        >>> left = drop_modalities(torch.ones(8, 3, 1, 1), 1.0,
        ...                        generator=torch.Generator().manual_seed(0))
        >>> ((left[:, 0] == 0) ^ (left[:, 1] == 0)).all().item()
        True

    In the manner of ModDrop, which drops modalities where they are joined, after each has learned
    by itself: Neverova et al. 2016, doi:10.1109/TPAMI.2015.2461544.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it must lie in 0..1")
    lot = torch.rand(len(images), 2, generator=generator).to(images.device)
    loses, is_pet = lot[:, 0] < share, lot[:, 1] < 0.5
    keep = torch.ones(len(images), 3, device=images.device, dtype=images.dtype)
    keep[loses & ~is_pet, 0] = 0
    keep[loses & is_pet, 1:] = 0
    return images * keep[:, :, None, None]
