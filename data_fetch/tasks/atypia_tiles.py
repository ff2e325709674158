"""H&E-like tiles with regular or atypical nuclei: an easy task, for an honest counterexample.

What this captures and what not: cards/simulated_atypia_tiles.md.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import map_coordinates

from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.laboratory import STAIN_VECTORS, STAINS

_HAEMATOXYLIN, _EOSIN = (np.array(STAIN_VECTORS[stain]) for stain in STAINS["H&E"])
LABEL_NAMES = ("regular", "atypical")


def atypia_tiles(n: int, *, rng: np.random.Generator, size: int = 64) -> Labelled:
    r"""n simulated tiles; label 1 = atypical: nuclei larger, unequal, irregular in outline.

    Intensity follows Beer-Lambert, $I = 255 \cdot 10^{-(h\,v_H + e\,v_E)}$. A nucleus is a
    star-shaped outline on an ellipse,
    $r(\theta) = r_0(1 + \mathrm{Re}\sum_{k=2}^5 c_k e^{ik\theta})$. Regular: r0 = 3.7 px
    (8 % spread), c_k of sd 0.015; atypical: r0 = 4.2 px (18 % spread), c_k of sd 0.03. The share of
    area covered by nuclei is drawn alike, so that atypical tiles have fewer of them; stain
    strengths and noise are drawn alike too, so that the mean colour tells next to nothing.

    Args:
        n: how many, >= 2.
        rng: the source of randomness; tile i depends on n through its label only.
        size: side of a tile in pixels, at least 32 (about 0.8 µm each, if nuclei are to be of
            human size).

    Returns:
        Labelled uint8 images (n, size, size, 3), in random order; half have each label.

    Raises:
        ValueError: n or size out of range.

    >>> tiles, labels = atypia_tiles(4, rng=np.random.default_rng(0))
    >>> tiles.array.shape, tiles.kind, sorted(labels.tolist())
    ((4, 64, 64, 3), 'simulated', [0, 0, 1, 1])
    """
    if n < 2 or size < 32:
        raise ValueError(f"n={n} (>= 2), size={size} (>= 32): one is outside its range")
    labels = rng.permutation(np.arange(n) % 2)
    array = np.empty((n, size, size, 3), dtype=np.uint8)
    for i, own in enumerate(rng.spawn(n)):
        array[i] = _tile(atypical=bool(labels[i]), size=size, rng=own)
    sample = Sample(
        array,
        name="simulated/atypia_tiles",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(array),
        licence="Apache-2.0 (the generator)",
        cite="Pixels to Patients, data_fetch/tasks/atypia_tiles.py; stain vectors: Ruifrok AC, "
        "Johnston DA. Quantification of histochemical staining by color deconvolution. Anal. "
        "Quant. Cytol. Histol. 2001;23:291-299.",
        note="nothing here is tissue; the rule that makes the label is known and simple",
    )
    return Labelled(sample=sample, labels=labels, names=LABEL_NAMES)


def _tile(*, atypical: bool, size: int, rng: np.random.Generator) -> np.ndarray:
    coverage = rng.uniform(0.12, 0.28)
    mean_radius, spread, wobble = (4.2, 0.18, 0.03) if atypical else (3.7, 0.08, 0.015)
    area = np.pi * mean_radius**2 * (1 + spread**2)
    count = max(1, rng.poisson(coverage * size**2 / area))
    centres = _apart(count, size=size, gap=1.5 * mean_radius, rng=rng)
    radii = mean_radius * np.clip(1 + spread * rng.standard_normal(len(centres)), 0.4, 1.8)
    inside, texture = _nuclei(centres, radii, size=size, wobble=wobble, rng=rng)
    haematoxylin = rng.uniform(0.75, 1.05) * inside * texture
    haematoxylin += 0.06
    stroma = (
        1 + 0.5 * _smooth_noise(size, cells=9, rng=rng) + 0.25 * _smooth_noise(size, 21, rng=rng)
    )
    eosin = rng.uniform(0.18, 0.34) * np.clip(stroma, 0.2, 2.0) * (1 - 0.6 * inside)
    density = haematoxylin[..., None] * _HAEMATOXYLIN + eosin[..., None] * _EOSIN
    light = 255 * 10**-density + rng.normal(0.0, 4.0, size=(size, size, 3))
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def _apart(count: int, *, size: int, gap: float, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` random points of which no two are closer than `gap` (the first ones win)."""
    tries = rng.uniform(0, size, size=(4 * count, 2))
    kept: list[np.ndarray] = []
    for point in tries:
        if len(kept) < count and all(np.hypot(*(point - other)) >= gap for other in kept):
            kept.append(point)
    return np.array(kept)


def _nuclei(
    centres: Float[np.ndarray, "count 2"],
    radii: Float[np.ndarray, " count"],
    *,
    size: int,
    wobble: float,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "size size"], Float[np.ndarray, "size size"]]:
    """Share of each pixel inside a nucleus (0..1), and the chromatin's texture around 1."""
    count = len(centres)
    ticks = np.arange(size)
    down = ticks[None, :, None] - centres[:, 0, None, None]
    across = ticks[None, None, :] - centres[:, 1, None, None]  # (count, size, size)
    turn = rng.uniform(0, np.pi, size=(count, 1, 1))
    stretch = np.sqrt(rng.uniform(1.0, 1.6, size=(count, 1, 1)))
    along = (np.cos(turn) * down + np.sin(turn) * across) / stretch
    beside = (-np.sin(turn) * down + np.cos(turn) * across) * stretch
    place = (along + 1j * beside).astype(np.complex64)
    distance = np.abs(place)
    turn_by = place / np.maximum(distance, 1e-6)  # exp(i theta)
    real, imaginary = wobble * rng.standard_normal((2, 4, count, 1, 1)).astype(np.float32)
    c = real + 1j * imaginary
    # Horner's scheme for c2 z^2 + c3 z^3 + c4 z^4 + c5 z^5
    series = turn_by**2 * (c[0] + turn_by * (c[1] + turn_by * (c[2] + turn_by * c[3])))
    depth = radii[:, None, None] * (1 + series.real) - distance
    inside = np.clip(depth + 0.5, 0.0, 1.0).max(axis=0)
    return inside, 1 + 0.25 * _smooth_noise(size, cells=24, rng=rng)


def _smooth_noise(size: int, cells: int, *, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise on a cells x cells grid, interpolated to size x size by cubic B-splines."""
    grid = rng.standard_normal((cells + 3, cells + 3))
    at = np.linspace(1, cells + 1, size)
    return map_coordinates(
        grid, np.stack(np.meshgrid(at, at, indexing="ij")), order=3, prefilter=False
    )
