"""How close an image is to a known truth: PSNR, as scikit-image computes it.

It asks whether pixels agree, not whether a lesion can be found: that is for an observer.
"""

from __future__ import annotations

import numpy as np
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor


def psnr_db(images: Tensor, *, truth: Tensor, data_range: float) -> np.ndarray:
    """Peak signal-to-noise ratio, 10 log10(range² / mean squared error), image by image.

    Args:
        images: (n, height, width).
        truth: the same shape.
        data_range: span of values that counts as the peak, in the images' unit. It must be the same
            wherever numbers are to be compared.

    Returns:
        (n,), in dB; higher = closer.

    Raises:
        ValueError: if the shapes differ or the range is not positive.

    Example:
        >>> import torch
        >>> psnr_db(torch.full((1, 8, 8), 0.1), truth=torch.zeros(1, 8, 8), data_range=1.0).round(3)
        array([20.])

    Source: scikit-image's `peak_signal_noise_ratio`.
    """
    pairs = _pairs(images, truth, data_range)
    return np.array([peak_signal_noise_ratio(t, x, data_range=data_range) for x, t in pairs])


def window_psnr_db(images: Tensor, *, truth: Tensor, window: tuple[float, float]) -> np.ndarray:
    """PSNR of what a reader sees: both images clipped to a display window, its width as the peak.

    Bone and air, which are black or white on the screen, then count only if they leak into it.

    Args:
        images: (n, height, width).
        truth: the same shape.
        window: values that are black and white on the screen, in the images' unit.

    Returns:
        (n,), in dB; higher = closer.

    Raises:
        ValueError: if the shapes differ, or the window's ends are not in order.

    Example:
        >>> import torch
        >>> bone, brighter = torch.full((2, 1, 8, 8), 900.0)
        >>> brighter = brighter + 300; brighter[0, 0, 0] = -60
        >>> window_psnr_db(brighter, truth=bone, window=(-60, 140)).round(2)
        array([18.06])
    """
    clipped = [x.clamp(*window) for x in (images, truth)]
    return psnr_db(clipped[0], truth=clipped[1], data_range=window[1] - window[0])


def _pairs(images: Tensor, truth: Tensor, data_range: float):
    if images.shape != truth.shape or images.ndim != 3:
        raise ValueError(
            f"images are {tuple(images.shape)} and truth {tuple(truth.shape)}; both must be (n, "
            "height, width)"
        )
    if not data_range > 0:
        raise ValueError(f"data_range is {data_range}; it must be positive")
    return zip(images.double().cpu().numpy(), truth.double().cpu().numpy(), strict=True)
