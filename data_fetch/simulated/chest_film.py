"""Small chest films whose lungs are as cloudy as the simulation says."""

import numpy as np
from jaxtyping import Float, UInt8

SIZE_PX = 32
_COARSE = 5  # places of the clouds' field along a side


def chest_films(
    lungs: Float[np.ndarray, " films"], *, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "films 32 32"], Float[np.ndarray, " films"]]:
    r"""One film for each state of the lungs, bright where tissue or fluid stops the rays.

    Two dark lungs lie beside a bright heart, under ribs. Clouds cover a place of the lungs by
    $\sigma(3(0.7\,g + l - 0.8))$, with $l$ the state of the lungs and $g$ a smooth random field of
    variance 1 that each film draws for itself, so that a film tells $l$ only roughly. Exposure
    (contrast and brightness) is another on each film, as on films taken at the bedside: brightness
    alone does not tell.

    Args:
        lungs: hidden states, mean 0 and variance 1 over patients; higher = worse.
        rng: the source of randomness; film i does not depend on how many there are.

    Returns:
        uint8 films (n, 32, 32), and the share of each one's lungs that clouds cover, 0..1.

    >>> films, cloudy = chest_films(np.array([-2.0, 2.0]), rng=np.random.default_rng(0))
    >>> cloudy.round(1).tolist()
    [0.0, 0.9]
    """
    fields, exposures, grains = rng.spawn(3)
    n, f4 = len(lungs), np.float32
    inside, frame = _anatomy()
    spread = _interpolation()
    coarse = fields.standard_normal((n, _COARSE, _COARSE), dtype=f4)
    field = spread @ coarse @ spread.T
    cover = 1 / (1 + np.exp(-3 * (0.7 * field + lungs.astype(f4)[:, None, None] - f4(0.8))))
    density = frame + f4(0.45) * inside * cover
    contrast, light = exposures.uniform((0.75, -0.1), (1.25, 0.1), (n, 2)).T.astype(f4)
    grain = f4(0.04) * grains.standard_normal((n, SIZE_PX, SIZE_PX), dtype=f4)
    film = f4(0.5) + light[:, None, None] + contrast[:, None, None] * (density - f4(0.5)) + grain
    images = np.clip(np.rint(255 * film), 0, 255).astype(np.uint8)
    cloudy = (inside * cover).sum(axis=(1, 2)) / inside.sum()
    return images, cloudy.astype(np.float64)


def _anatomy() -> tuple[np.ndarray, np.ndarray]:
    """How much of each pixel is lung (0..1), and the density without clouds."""
    down, across = np.meshgrid(*2 * [(np.arange(SIZE_PX) + 0.5) / SIZE_PX], indexing="ij")

    def disc(row, column, height, width):
        reach = np.hypot((down - row) / height, (across - column) / width)
        return 1 / (1 + np.exp(12 * (reach - 1)))

    heart = disc(0.62, 0.56, 0.2, 0.17)
    inside = np.clip(disc(0.5, 0.27, 0.38, 0.19) + disc(0.5, 0.73, 0.38, 0.19), 0, 1) * (1 - heart)
    body = disc(0.55, 0.5, 0.7, 0.5)
    ribs = 0.05 * (np.cos(2 * np.pi * (7 * down + 2 * (across - 0.5) ** 2)) > 0.5)
    frame = body * (0.72 - 0.5 * inside + ribs) + 0.1 * heart
    return inside.astype(np.float32), frame.astype(np.float32)


def _interpolation() -> np.ndarray:
    """A smooth way from the coarse places to pixels that leaves the variance at 1."""
    at = np.linspace(0, _COARSE - 1, SIZE_PX)[:, None]
    weights = np.exp(-0.5 * ((at - np.arange(_COARSE)) / 0.7) ** 2)
    return (weights / np.sqrt((weights**2).sum(axis=1, keepdims=True))).astype(np.float32)
