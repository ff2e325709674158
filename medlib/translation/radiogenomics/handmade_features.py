"""Eleven numbers a radiologist could name, of the middle of an image: no network learned them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.ndimage import laplace, sobel

__all__ = ["NAMES", "handmade_features"]

NAMES = (
    "mean",
    "spread",
    "skewness",
    "kurtosis",
    "10th percentile",
    "median",
    "90th percentile",
    "dark share",
    "bright share",
    "edges",
    "grain",
)
_RADIUS = 0.5  # of the disc, as a share of half a side


def handmade_features(
    images: Float[np.ndarray, "n rows columns"],
) -> Float[np.ndarray, "n 11"]:
    """First-order numbers of a central disc, and two of texture.

    What is called *radiomics*, in its smallest form: moments, percentiles and shares of the
    intensities in the disc, the mean length of the gradient and the spread of the Laplacian in it.
    The last two, and all that noise widens, know the scanner.

    Args:
        images: scaled to mean 0 and SD 1 each.

    Raises:
        ValueError: not a stack of square images.

    Example:
        >>> handmade_features(np.random.default_rng(0).normal(size=(3, 32, 32))).shape
        (3, 11)

    Source: Zwanenburg et al. (2020), the Image Biomarker Standardisation Initiative,
    doi:10.1148/radiol.2020191145, whose names for first-order features these follow.
    """
    images = np.asarray(images, float)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise ValueError(f"images {images.shape}: a stack of square images")
    half = (images.shape[1] - 1) / 2
    rows, columns = np.indices(images.shape[1:]) - half
    disc = np.hypot(rows, columns) <= _RADIUS * images.shape[1] / 2
    inside = images[:, disc]
    mean, spread = inside.mean(axis=1), np.maximum(inside.std(axis=1), 1e-9)
    standard = (inside - mean[:, None]) / spread[:, None]
    edges = [np.hypot(sobel(image, axis=0), sobel(image, axis=1))[disc].mean() for image in images]
    grain = np.stack([laplace(image)[disc].std() for image in images])
    percentiles = np.percentile(inside, [10, 50, 90], axis=1)
    shares = (inside < 0).mean(axis=1), (inside > 1).mean(axis=1)
    moments = (standard**3).mean(axis=1), (standard**4).mean(axis=1)
    return np.stack([mean, spread, *moments, *percentiles, *shares, np.array(edges), grain], axis=1)
