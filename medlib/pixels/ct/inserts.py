"""Random shapes put into training images, so that a network meets more than tidy anatomy.

A network removes what its training images never showed. Simulated heads have smooth brains in
closed shells of bone; a real skull base has air cells, sutures and thin plates. Ellipses of random
place, size, direction and density are no anatomy, but they teach that edges may be anywhere.
"""

from __future__ import annotations

import numpy as np

#: From air cells over fat, blood and calcium to compact bone.
INSERT_HU = (-1000.0, -100.0, 60.0, 300.0, 1000.0, 1500.0)


def scatter_ellipses(
    images_hu: np.ndarray,
    *,
    n_inserts: int,
    rng: np.random.Generator,
    radius_px: tuple[float, float] = (1.0, 8.0),
    body_above_hu: float = -500.0,
) -> np.ndarray:
    """Blend ellipses into the body: x ← x + m s (v - x), with v one of `INSERT_HU`.

    m is 1 inside and falls to 0 over one pixel, as partial volume would; s is uniform in (0.3, 1).

    Args:
        images_hu: (n, size, size), in HU.
        n_inserts: ellipses for each image; zero returns a copy.
        rng: source of randomness.
        radius_px: least and largest half-axis, drawn uniformly in the logarithm.
        body_above_hu: pixels below this are outside the body and stay as they are.

    Returns:
        A new array of the same shape and type.

    Raises:
        ValueError: if the images are not square slices, or `n_inserts` is negative.

    Example:
        >>> flat = np.zeros((1, 32, 32), dtype=np.float32)
        >>> changed = scatter_ellipses(flat, n_inserts=3, rng=np.random.default_rng(0))
        >>> bool((changed != 0).any()), bool((flat == 0).all())
        (True, True)

    Source of the idea: Tobin et al. 2017, doi:10.1109/IROS.2017.8202133.
    """
    if images_hu.ndim != 3 or images_hu.shape[-1] != images_hu.shape[-2]:
        raise ValueError(f"images are {images_hu.shape}; they must be (n, size, size)")
    if n_inserts < 0:
        raise ValueError(f"n_inserts is {n_inserts}; it must be zero or more")
    result = images_hu.copy()
    axis = np.arange(images_hu.shape[-1])
    low, high = np.log(radius_px)
    for image, original in zip(result, images_hu, strict=True):
        body = original > body_above_hu
        for _ in range(n_inserts):
            row, column = rng.uniform(0.15, 0.85, 2) * len(axis)
            long, short = np.exp(rng.uniform(low, high, 2))
            angle, strength = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
            u = (axis - column) * np.cos(angle) + (axis[:, None] - row) * np.sin(angle)
            v = (axis[:, None] - row) * np.cos(angle) - (axis - column) * np.sin(angle)
            inside = (1 - np.hypot(u / long, v / short)) * min(long, short) + 0.5
            blend = strength * np.clip(inside, 0, 1) * body
            image += blend * (rng.choice(INSERT_HU) - image)
    return result
