"""Simulated brain sections at the edge of a glioma, with the truth known at every pixel.

Label 1 tiles are crossed by an infiltration front: on one side of a smooth boundary nuclei are
many, large, dark and irregular, on the other as in normal brain. Label 0 tiles are normal. Patients
and laboratories have parameters of their own. What this captures and what not: cards/histology.md.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy.interpolate import BSpline

from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.laboratory import STAINS, Laboratory, new_laboratory, scan
from data_fetch.simulated.nuclei import Frame, outlines, scatter, truth_maps

LABEL_NAMES = ("normal", "infiltrated")


@dataclass(frozen=True)
class Morphology:
    """Ranges from which each patient draws its own values, uniformly. Radii and widths in µm.

    Nuclear profiles in a thin section: normal brain about 1,000 to 2,000 per mm², cellular
    glioma several times that. Atypia runs from 0 (round, pale) to 1 (irregular, hyperchromatic).
    """

    normal_per_mm2: tuple[float, float] = (900.0, 1800.0)
    tumour_per_mm2: tuple[float, float] = (4000.0, 6500.0)
    normal_radius_um: tuple[float, float] = (2.9, 3.4)
    tumour_enlargement: tuple[float, float] = (1.15, 1.4)
    tumour_atypia: tuple[float, float] = (0.5, 0.8)
    front_width_um: tuple[float, float] = (4.0, 12.0)
    tumour_share: tuple[float, float] = (0.3, 0.7)  # of a label 1 tile's area
    normal_atypia: float = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class HistologyTiles(Labelled):
    """Labelled tiles and their truth. Maps have one value a pixel; row i of every array is tile i.

    Args:
        laboratories: which laboratory stained it.
        tumour: 0 (normal) to 1 (tumour): the smooth infiltration front.
        density_per_mm2: nuclear centres per mm² around the pixel (Gaussian window, `window_um`).
        radius_um: mean radius of the nuclei in that window.
        atypia: their mean atypia, 0..1.
        nuclei: True inside a nucleus.
        stains: concentrations of the two stains, or None if they were not kept.
        centres: of each tile, (row, column) of its nuclei in pixels.
        um_per_px: side of a pixel.
        window_um: standard deviation of the Gaussian window of the three maps.
    """

    laboratories: Int[np.ndarray, " n"]
    tumour: Float[np.ndarray, "n size size"]
    density_per_mm2: Float[np.ndarray, "n size size"]
    radius_um: Float[np.ndarray, "n size size"]
    atypia: Float[np.ndarray, "n size size"]
    nuclei: Bool[np.ndarray, "n size size"]
    stains: Float[np.ndarray, "n size size 2"] | None
    centres: tuple[np.ndarray, ...]
    um_per_px: float
    window_um: float

    @property
    def images(self) -> UInt8[np.ndarray, "n size size 3"]:
        """The RGB images themselves."""
        return self.sample.array


def histology_tiles(
    n_patients: int,
    *,
    rng: np.random.Generator,
    tiles_per_patient: int = 16,
    size: int = 96,
    um_per_px: float = 1.0,
    stain: str = "H&E",
    n_laboratories: int = 4,
    laboratory_variation: float = 1.0,
    morphology: Morphology | None = None,
    window_um: float = 8.0,
    keep_stains: bool = False,
) -> HistologyTiles:
    r"""Simulate stained tiles of several patients, half of each patient's with a tumour's front.

    The front is $\tau = \sigma(s / w)$, s the signed distance (µm) from a wavy line, w the
    patient's width. Nuclei fall at random with intensity
    $\lambda_n + \tau(\lambda_t - \lambda_n)$, without overlapping much. Each is a star-shaped
    outline, $r(\theta) = r_0(1 + \mathrm{Re}\sum_{k=2}^5 c_k e^{ik\theta})$, larger, darker
    and more irregular the higher its atypia, whose mean follows τ too. See `laboratory.scan` for
    the optics.

    Args:
        n_patients: >= 1; patient i does not change when more are asked for.
        rng: the source of randomness.
        tiles_per_patient: >= 2; the tiles of one patient alternate between the labels at random.
        size: side of a tile in pixels, >= 32.
        um_per_px: side of a pixel in µm; 1 is about a 10x objective.
        stain: "H&E", or "H-DAB" (brown around a share of the nuclei instead of eosin).
        n_laboratories: patient i's laboratory is i modulo this.
        laboratory_variation: 0 = all alike; see `new_laboratory`.
        morphology: the patients' ranges.
        window_um: of the density, radius and atypia maps.
        keep_stains: keep the concentrations, 8 bytes a pixel.

    Returns:
        HistologyTiles.

    Raises:
        ValueError: a number out of its range, or another stain.

    >>> tiles = histology_tiles(2, rng=np.random.default_rng(0), tiles_per_patient=4, size=64)
    >>> tiles.sample
    Sample('simulated/histology', simulated, uint8 8x64x64x3, 0.001x0.001 mm, intensity 0..255)
    >>> bool(tiles.density_per_mm2[tiles.labels == 1].mean() > 2000)
    True
    """
    if n_patients < 1 or tiles_per_patient < 2 or size < 32 or n_laboratories < 1:
        raise ValueError(
            f"n_patients={n_patients} (>= 1), tiles_per_patient={tiles_per_patient} (>= 2), "
            f"size={size} (>= 32), n_laboratories={n_laboratories} (>= 1): one is out of range"
        )
    if not (0.25 <= um_per_px <= 2 and window_um >= 2 * um_per_px):
        raise ValueError(
            f"um_per_px={um_per_px} must lie in 0.25..2 (nuclei are 3 to 9 µm in radius) and "
            f"window_um={window_um} must span two pixels"
        )
    if stain not in STAINS:
        raise ValueError(f'stain is {stain!r}; choose "H&E" or "H-DAB"')
    morphology = morphology or Morphology()
    for_patients, for_laboratories = rng.spawn(2)
    laboratories = [
        new_laboratory(rng=own, stain=stain, variation=laboratory_variation)
        for own in for_laboratories.spawn(n_laboratories)
    ]
    frame = Frame.around(size, um_per_px=um_per_px, window_um=window_um)
    parts = [
        _patient_tiles(
            frame, tiles_per_patient, stain, laboratories[i % n_laboratories], morphology, own
        )
        for i, own in enumerate(for_patients.spawn(n_patients))
    ]
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if key != "at"}
    stains = joined.pop("stains")
    images = joined.pop("images")
    patients = np.repeat(np.arange(n_patients), tiles_per_patient)
    return HistologyTiles(
        sample=_as_sample(images, um_per_px=um_per_px),
        names=LABEL_NAMES,
        patients=patients,
        laboratories=patients % n_laboratories,
        stains=stains if keep_stains else None,
        centres=tuple(at for part in parts for at in part["at"]),
        um_per_px=um_per_px,
        window_um=window_um,
        **joined,
    )


def _as_sample(images: UInt8[np.ndarray, "n size size 3"], *, um_per_px: float) -> Sample:
    return Sample(
        images,
        name="simulated/histology",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(images),
        spacing_mm=(um_per_px / 1000, um_per_px / 1000),
        licence="Apache-2.0 (the generator)",
        cite="Pixels to Patients, data_fetch/simulated/histology.py; stain vectors: Ruifrok AC, "
        "Johnston DA. Quantification of histochemical staining by color deconvolution. Anal. "
        "Quant. Cytol. Histol. 2001;23:291-299.",
        note="nothing here is tissue; the truth is known at every pixel",
    )


def _patient_tiles(
    frame: Frame,
    n: int,
    stain: str,
    laboratory: Laboratory,
    morphology: Morphology,
    rng: np.random.Generator,
) -> dict[str, np.ndarray | list[np.ndarray]]:
    """All tiles of one patient: images, labels, maps, and the centres under "at"."""
    normal, tumour, radius, enlargement, worst, width = (
        rng.uniform(*limits)
        for limits in (
            morphology.normal_per_mm2,
            morphology.tumour_per_mm2,
            morphology.normal_radius_um,
            morphology.tumour_enlargement,
            morphology.tumour_atypia,
            morphology.front_width_um,
        )
    )
    labels = rng.permutation(np.arange(n) % 2)
    share = rng.uniform(*morphology.tumour_share, size=n)
    front = _front(frame, labels, share=share, width_um=width, rng=rng)
    # cellularity of normal brain is uneven as well: about 15 % from place to place
    uneven = np.exp(0.15 * _smooth_noise(n, frame.full, cells=4, rng=rng))
    intensity = uneven * (normal + front * (tumour - normal)) * (frame.um_per_px / 1000) ** 2

    mean_atypia = morphology.normal_atypia + front * (worst - morphology.normal_atypia)
    mean_radius = radius * (1 + front * (enlargement - 1))
    drawn = [
        scatter(own, expected, size, severity, frame)
        for own, expected, size, severity in zip(
            rng.spawn(n), intensity, mean_radius, mean_atypia, strict=True
        )
    ]
    tile = np.repeat(np.arange(n), [len(d["at"]) for d in drawn])
    at, radii, atypia = (np.concatenate([d[k] for d in drawn]) for k in ("at", "radius", "atypia"))
    chromatin, inside, ring = outlines(tile, at, radii, atypia, n=n, frame=frame, rng=rng)
    stains = _stains(chromatin, inside, ring, stain, laboratory, rng)
    maps = truth_maps(drawn, mean_radius, mean_atypia, frame)
    stains = frame.crop(stains)
    in_tile = [d["at"] - frame.margin for d in drawn]
    return {
        "images": scan(stains, laboratory=laboratory, rng=rng),
        "labels": labels,
        "tumour": frame.crop(front).astype(np.float32),
        **maps,
        "nuclei": frame.crop(inside) > 0.5,
        "stains": stains,
        "at": [c[((c > -0.5) & (c < frame.size - 0.5)).all(axis=1)] for c in in_tile],
    }


def _front(
    frame: Frame, labels: np.ndarray, *, share: np.ndarray, width_um: float, rng
) -> Float[np.ndarray, "n full full"]:
    """τ: sigmoid of the signed distance from a wavy line that leaves `share` of the tile beyond."""
    n = len(labels)
    ticks = (np.arange(frame.full) - (frame.full - 1) / 2) * frame.um_per_px
    angle = rng.uniform(0, 2 * np.pi, size=(n, 1, 1))
    along = np.cos(angle) * ticks[None, :, None] + np.sin(angle) * ticks[None, None, :]
    along += 0.06 * frame.size * frame.um_per_px * _smooth_noise(n, frame.full, cells=5, rng=rng)
    seen = frame.crop(along).reshape(n, -1)
    edge = np.array([np.quantile(s, 1 - q) for s, q in zip(seen, share, strict=True)])
    steps = np.clip((along - edge[:, None, None]) / width_um, -30, 30)
    return np.where(labels[:, None, None] == 1, 1 / (1 + np.exp(-steps)), 0.0)


def _stains(
    chromatin: np.ndarray,
    inside: np.ndarray,
    ring: np.ndarray,
    stain: str,
    laboratory: Laboratory,
    rng: np.random.Generator,
) -> Float[np.ndarray, "n full full 2"]:
    """Concentrations: haematoxylin in chromatin; eosin in the neuropil, or DAB around nuclei."""
    n, full = inside.shape[:2]
    clumps = 1 + 0.18 * _smooth_noise(n, full, cells=full // 3, rng=rng)
    haematoxylin = 0.04 + chromatin * np.clip(clumps, 0.4, 1.6)
    fibres = 0.35 * _smooth_noise(n, full, cells=full // 12, rng=rng)
    fibres += 0.25 * _smooth_noise(n, full, cells=full // 4, rng=rng)
    neuropil = np.clip(1 + fibres, 0.2, 2.0)
    if stain == "H&E":
        counter = 0.28 * neuropil * (1 - 0.6 * inside)
    else:
        counter = 0.06 * neuropil + 0.55 * ring * neuropil * (1 - 0.8 * inside)
    both = np.stack([haematoxylin, counter], axis=-1).astype(np.float32)
    return both * np.asarray(laboratory.strengths, dtype=np.float32)


def _smooth_noise(n: int, size: int, cells: int, *, rng: np.random.Generator) -> np.ndarray:
    """n fields of Gaussian noise on a cells x cells grid, joined by cubic B-splines, of sd 1."""
    knots = np.arange(-3, cells + 4)
    at = np.linspace(0, cells, size, endpoint=False)
    basis = BSpline.design_matrix(at, knots, 3).toarray().astype(np.float32)  # (size, cells + 3)
    grid = rng.standard_normal((n, cells + 3, cells + 3), dtype=np.float32)
    spread = np.sqrt((basis**2).sum(axis=1).mean())
    return basis @ grid @ basis.T / spread**2
