"""The same slides as if another laboratory had stained and scanned them.

Works on any H&E tiles, simulated or real: their stains are told apart by the published stain
vectors, and put together again with those of another place.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8
from scipy.ndimage import gaussian_filter

from data_fetch.simulated.laboratory import Laboratory, reference_laboratory

__all__ = ["through_scanners"]


def through_scanners(
    images: UInt8[np.ndarray, "n size size 3"],
    *,
    scanners: Sequence[Laboratory],
    rng: np.random.Generator,
) -> tuple[UInt8[np.ndarray, "n size size 3"], Int[np.ndarray, " n"]]:
    r"""Tile i as scanner i modulo their number would show it.

    With D the optical density of a pixel, V the two published stain vectors as rows, and c = D V⁺
    the stains' concentrations, the other place shows D + c (S V' - V): what V does not explain
    stays, strengths S and vectors V' are new. Then lamp, blur and noise.

    Args:
        images: H&E tiles.
        scanners: places, `laboratory.new_laboratory`.
        rng: of the scanners' noise.

    Returns:
        The tiles, and which scanner each went through.

    Raises:
        ValueError: there is no scanner.

    >>> from data_fetch.simulated.laboratory import new_laboratory
    >>> rng = np.random.default_rng(0)
    >>> pale = np.full((2, 8, 8, 3), 200, np.uint8)
    >>> seen, which = through_scanners(pale, scanners=[new_laboratory(rng=rng)], rng=rng)
    >>> seen.shape, which.tolist()
    ((2, 8, 8, 3), [0, 0])
    """
    if not scanners:
        raise ValueError("no scanners: give one Laboratory or more")
    which = np.arange(len(images)) % len(scanners)
    home = np.asarray(reference_laboratory().vectors)
    unmix = np.linalg.pinv(home)
    seen = np.empty_like(images)
    for i, image in enumerate(images):
        place = scanners[which[i]]
        density = -np.log10(np.maximum(image, 1) / 255)
        there = np.asarray(place.strengths)[:, None] * np.asarray(place.vectors)
        density = density + density @ unmix @ (there - home)
        light = 255 * 10**-density * np.asarray(place.white) / 243.0
        light = gaussian_filter(light, (0.7 * place.blur_px, 0.7 * place.blur_px, 0))
        light += 0.7 * place.noise * rng.standard_normal(light.shape)
        seen[i] = np.clip(np.rint(light), 0, 255)
    return seen, which
