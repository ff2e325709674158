"""A staining laboratory and its scanner: from stain concentrations to RGB, each place in its way.

Light that crosses a stained section is absorbed by Beer-Lambert's law. Laboratories differ in how
much of each stain stays in the tissue, in the exact colours of their dyes, and in lamp and scanner.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

STAINS = {"H&E": ("haematoxylin", "eosin"), "H-DAB": ("haematoxylin", "dab")}
# Optical density per unit of stain in red, green, blue (Ruifrok and Johnston 2001).
STAIN_VECTORS = {
    "haematoxylin": (0.65, 0.70, 0.29),
    "eosin": (0.07, 0.99, 0.11),
    "dab": (0.27, 0.57, 0.78),
}


@dataclass(frozen=True)
class Laboratory:
    """How one place stains and scans.

    Attributes:
        vectors: unit optical densities (red, green, blue), one for each of the two stains.
        strengths: factor on each stain's concentration.
        white: intensity of an empty slide in red, green, blue, 0..255.
        blur_px: standard deviation of the scanner's blur.
        noise: standard deviation of its noise, in grey levels.
    """

    vectors: tuple[tuple[float, float, float], tuple[float, float, float]]
    strengths: tuple[float, float] = (1.0, 1.0)
    white: tuple[float, float, float] = (243.0, 243.0, 243.0)
    blur_px: float = 0.6
    noise: float = 2.5


def reference_laboratory(stain: str = "H&E") -> Laboratory:
    """The laboratory with the published stain vectors and nothing peculiar.

    Raises:
        ValueError: another stain.

    >>> [round(v, 3) for v in reference_laboratory("H-DAB").vectors[1]]
    [0.269, 0.568, 0.778]
    """
    return new_laboratory(rng=np.random.default_rng(0), stain=stain, variation=0.0)


def new_laboratory(
    *, rng: np.random.Generator, stain: str = "H&E", variation: float = 1.0
) -> Laboratory:
    """A laboratory with its own colours: stain vectors turned, strengths, lamp and scanner changed.

    Args:
        rng: the source of randomness.
        stain: "H&E" or "H-DAB".
        variation: 0 gives the reference laboratory; 1 turns each stain vector by about 3°, changes
            strengths by about 15 % and the lamp by about 2 %; in proportion elsewhere.

    Raises:
        ValueError: another stain, or a negative variation.

    >>> new_laboratory(rng=np.random.default_rng(0), variation=0.0) == reference_laboratory()
    True
    """
    if variation < 0:
        raise ValueError(f"variation is {variation}; 0 is no variation, 1 a usual one")
    base = _unit_vectors(stain)
    # each component by 0.04 of a unit vector: an angle of about 3 degrees
    turned = np.clip(base + variation * 0.04 * rng.standard_normal((2, 3)), 0.01, None)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    strengths = np.exp(variation * 0.15 * np.clip(rng.standard_normal(2), -2, 2))
    white = 243.0 * (1 + variation * 0.02 * np.clip(rng.standard_normal(3), -2, 2))
    blur, noise = np.exp(0.25 * variation * np.clip(rng.standard_normal(2), -2, 2))
    return Laboratory(
        vectors=tuple(tuple(row) for row in turned.tolist()),
        strengths=tuple(strengths.tolist()),
        white=tuple(np.minimum(white, 255.0).tolist()),
        blur_px=0.6 * float(blur),
        noise=2.5 * float(noise),
    )


def scan(
    stains: Float[np.ndarray, "n height width 2"],
    *,
    laboratory: Laboratory,
    rng: np.random.Generator | None = None,
) -> UInt8[np.ndarray, "n height width 3"]:
    r"""Turn concentrations into RGB: $I = I_0\,10^{-(c_1 v_1 + c_2 v_2)}$, then blur and noise.

    Args:
        stains: concentrations in units that give optical density 1 along the stain's vector.
        laboratory: colours and scanner; strengths are not applied here (they are the tissue's).
        rng: of the scanner's noise; None scans without blur and noise.

    Returns:
        uint8 RGB.

    >>> empty = scan(np.zeros((1, 2, 2, 2), np.float32), laboratory=reference_laboratory())
    >>> empty[0, 0, 0].tolist()
    [243, 243, 243]
    """
    density = stains @ np.asarray(laboratory.vectors, dtype=np.float32)
    light = np.asarray(laboratory.white, dtype=np.float32) * np.float32(10) ** -density
    if rng is not None:
        light = gaussian_filter(light, (0, laboratory.blur_px, laboratory.blur_px, 0))
        light += laboratory.noise * rng.standard_normal(light.shape, dtype=np.float32)
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def _unit_vectors(stain: str) -> np.ndarray:
    if stain not in STAINS:
        raise ValueError(f'stain is {stain!r}; choose "H&E" or "H-DAB"')
    rows = np.array([STAIN_VECTORS[name] for name in STAINS[stain]])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
