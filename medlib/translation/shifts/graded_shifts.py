"""Families of shifts that grow by degrees: blur, noise, a darker lamp, a mark in the corner."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import gaussian_filter

__all__ = ["FAMILIES", "blurred", "darkened", "lenient", "marked", "noisy", "shift_images"]


def blurred(images: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A lens out of focus: Gaussian blur, SD of 0.3 pixels a degree."""
    width = 0.3 * severity
    return gaussian_filter(images, (0, width, width, 0))


def noisy(images: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A sensor short of light: Gaussian noise, SD of 4 grey levels a degree."""
    return images + rng.normal(0, 4.0 * severity, images.shape).astype(np.float32)


def darkened(images: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A weaker lamp: every value loses 12 % of itself a degree."""
    return images * (1 - 0.12 * severity)


def marked(images: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """A maker's mark: two rows of the frame are mixed with white, 20 % a degree."""
    images = images.copy()
    images[:, :2] += (255 - images[:, :2]) * (0.2 * severity)
    return images


Shift = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
#: Each maps float32 images (n, h, w, 3) of 0..255 and a severity of 0 (nothing) to 5.
FAMILIES: Mapping[str, Shift] = {
    "blur": blurred,
    "noise": noisy,
    "dark": darkened,
    "mark": marked,
}


def shift_images(
    images: UInt8[np.ndarray, "n height width 3"],
    *,
    family: str,
    severity: float,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n height width 3"]:
    """Return the images as a changed camera would have taken them; labels stay true.

    Args:
        family: one of `FAMILIES`.
        severity: 0 (unchanged) to 5.
        rng: used by noise only.

    Raises:
        ValueError: an unknown family, or a severity outside 0..5.

    Example:
        >>> images = np.full((1, 4, 4, 3), 100, dtype=np.uint8)
        >>> dark = shift_images(images, family="dark", severity=5, rng=np.random.default_rng(0))
        >>> int(dark.max())
        40
    """
    if family not in FAMILIES:
        raise ValueError(f"no family {family!r}; there are {', '.join(FAMILIES)}")
    if not 0 <= severity <= 5:
        raise ValueError(f"severity={severity}: choose 0 (nothing) to 5")
    if severity == 0:
        return images.copy()
    changed = FAMILIES[family](images.astype(np.float32), severity, rng)
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def lenient(
    labels: Int[np.ndarray, " n"], scores: Float[np.ndarray, " n"], *, share: float
) -> Int[np.ndarray, " n"]:
    """Return labels of another reader with a lower threshold: likely negatives turn positive.

    Of the images labelled 0, the `share` with the highest scores are labelled 1; no 1 changes. The
    images are the same, so their distribution is: no unlabelled test can see this shift.

    Args:
        scores: how much an image looks like label 1; higher = more.
        share: of the images labelled 0.

    Raises:
        ValueError: a share outside [0, 1], or other numbers of labels than of scores.

    Example:
        >>> lenient(np.array([0, 0, 1]), np.array([-2.0, -1.0, 3.0]), share=0.5).tolist()
        [0, 1, 1]
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share}: between 0 and 1")
    if labels.shape != scores.shape:
        raise ValueError(f"{len(labels)} labels, but {len(scores)} scores: one of each an image")
    negative = np.flatnonzero(labels == 0)
    likeliest = negative[np.argsort(-scores[negative], kind="stable")]
    other = labels.copy()
    other[likeliest[: round(share * len(negative))]] = 1
    return other
