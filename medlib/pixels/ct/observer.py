"""A channelised Hotelling observer: can a lesion still be found?

PSNR counts pixels; a radiologist looks for something. A model observer makes that a measurement:
look at an image through a few smooth channels, weigh them by the best linear rule learned from
images with and without the lesion, and call the weighted sum the score. For a roundish lesion at a
known place, Laguerre-Gauss channels come close to the best linear observer of all pixels; they are
chosen for that and are no model of human vision.
How well held-out scores tell the two apart is for `measures.auc` to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.special
import torch
from torch import Tensor


@dataclass(frozen=True)
class Observer:
    """A trained observer: score = Σ weight × ⟨channel, image⟩; higher = a lesion is likelier."""

    channels: Tensor
    weights: Tensor

    def score(self, images: Tensor) -> np.ndarray:
        """Scores (n,) of images (n, size, size)."""
        responses = channel_responses(images, channels=self.channels)
        return (responses @ self.weights.to(responses)).cpu().numpy()


def laguerre_gauss(*, size: int, n_channels: int, width_px: float) -> Tensor:
    """Laguerre-Gauss channels, the efficient ones for a roundish signal at a known place.

    u_j(r) = (√2/a) exp(-π r²/a²) L_j(2π r²/a²), orthonormal over the plane.

    Args:
        size: side of the images, in pixels; the channels sit at their centre.
        n_channels: how many, j = 0 ... n - 1.
        width_px: a; a few times the signal's radius.

    Returns:
        (n_channels, size, size), float64.

    Raises:
        ValueError: if an argument is not positive.

    Example:
        >>> u = laguerre_gauss(size=41, n_channels=3, width_px=12.0).flatten(1)
        >>> bool(torch.allclose(u @ u.T, torch.eye(3, dtype=u.dtype), atol=1e-3))
        True

    Source: Gallas and Barrett 2003, doi:10.1364/JOSAA.20.001725.
    """
    if size < 1 or n_channels < 1 or not width_px > 0:
        raise ValueError(f"size {size}, n_channels {n_channels}, width_px {width_px}: all positive")
    axis = np.arange(size) - (size - 1) / 2
    x = 2 * np.pi * (axis[:, None] ** 2 + axis[None, :] ** 2) / width_px**2
    envelope = np.sqrt(2) / width_px * np.exp(-x / 2)
    return torch.from_numpy(
        np.stack([envelope * scipy.special.eval_laguerre(j, x) for j in range(n_channels)])
    )


def channel_responses(images: Tensor, *, channels: Tensor) -> Tensor:
    """What each channel sees: (n, size, size) images to (n, channels) numbers, in float64.

    Raises:
        ValueError: if the sizes differ.

    Example:
        >>> channels = laguerre_gauss(size=5, n_channels=2, width_px=3.0)
        >>> channel_responses(torch.zeros(3, 5, 5), channels=channels).shape
        torch.Size([3, 2])
    """
    if images.ndim != 3 or images.shape[-2:] != channels.shape[-2:]:
        raise ValueError(
            f"images are {tuple(images.shape)}, channels {tuple(channels.shape)}; heights and "
            "widths must agree: crop the images around the lesion's place first"
        )
    return images.double().flatten(1) @ channels.to(images.device).double().flatten(1).T


def train_observer(present: Tensor, absent: Tensor, *, channels: Tensor) -> Observer:
    """Learn the Hotelling weights w = S⁻¹ (v̄_present - v̄_absent), S the mean class covariance.

    Args:
        present: images with the lesion (n, size, size).
        absent: images without, (m, size, size).
        channels: (k, size, size).

    Returns:
        The observer. Score other images than these: on its own training images it flatters itself.

    Raises:
        ValueError: if there are too few images for the covariance of the channels.

    Example:
        >>> g = torch.Generator().manual_seed(0)
        >>> channels = laguerre_gauss(size=9, n_channels=2, width_px=4.0)
        >>> absent, present = torch.randn(2, 200, 9, 9, generator=g)
        >>> observer = train_observer(present + channels[0], absent, channels=channels)
        >>> bool(observer.weights[0] > abs(observer.weights[1]))
        True

    Source: Barrett, Yao, Rolland and Myers 1993, doi:10.1073/pnas.90.21.9758.
    """
    k = len(channels)
    if min(len(present), len(absent)) <= k:
        raise ValueError(
            f"{len(present)} images with and {len(absent)} without for {k} channels; each class "
            "needs more images than there are channels, ten times as many to be stable"
        )
    seen = [channel_responses(images, channels=channels) for images in (present, absent)]
    covariance = sum(torch.cov(v.T) for v in seen) / 2
    difference = seen[0].mean(0) - seen[1].mean(0)
    return Observer(channels, torch.linalg.solve(covariance.reshape(k, k), difference))
