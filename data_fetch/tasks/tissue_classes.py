"""Simulated tissue classes, one tile a patient: what a gate knows, and what it never saw.

What this captures and what not: cards/simulated_tissue_classes.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.histology import Morphology, _smooth_noise, _stains
from data_fetch.simulated.laboratory import Laboratory, scan
from data_fetch.simulated.nuclei import Frame, outlines, scatter
from data_fetch.simulated.one_tile_each import _fronts

__all__ = ["KNOWN", "SHARES", "TISSUES", "Tissue", "tissue_tiles"]

_TOGETHER = 25  # patients that are drawn at a time


@dataclass(frozen=True)
class Tissue:
    """One kind of tissue: whether a tumour's front crosses it, and its patients' ranges."""

    front: bool
    morphology: Morphology


TISSUES = {
    "normal brain": Tissue(False, Morphology()),
    "diffuse glioma": Tissue(True, Morphology()),
    "lymphoma": Tissue(
        False,
        Morphology(normal_per_mm2=(5000, 8000), normal_radius_um=(2.5, 3.0), normal_atypia=0.15),
    ),
    "giant cell": Tissue(
        True,
        Morphology(
            tumour_per_mm2=(1500, 2500), tumour_enlargement=(1.7, 2.2), tumour_atypia=(0.85, 1.0)
        ),
    ),
    "low grade": Tissue(
        True,
        Morphology(
            tumour_per_mm2=(2200, 3200), tumour_enlargement=(1.0, 1.15), tumour_atypia=(0.15, 0.35)
        ),
    ),
    "necrosis": Tissue(False, Morphology(normal_per_mm2=(50, 300))),
}
KNOWN = ("normal brain", "diffuse glioma", "lymphoma")
SHARES = (0.5, 0.35, 0.15)


class _WideFrame(Frame):
    """A frame whose nuclei have room for 17 µm: the largest giant cell is not cut off."""

    @staticmethod
    def _patch_px(um_per_px: float) -> int:
        return int(np.ceil(17.0 / um_per_px)) + 1


def tissue_tiles(
    n: int,
    *,
    rng: np.random.Generator,
    laboratories: Sequence[Laboratory],
    tissues: Sequence[str] = KNOWN,
    shares: Sequence[float] | None = None,
    size: int = 64,
) -> Labelled:
    """n simulated H&E tiles of 1 µm a pixel, each of another patient.

    A patient's tissue is drawn by `shares`, its laboratory with equal chances, its morphology from
    the tissue's ranges (`TISSUES`). So the patients are independent and exchangeable: any two sets
    that are drawn with the same arguments have one distribution.

    - normal brain: few small round nuclei.
    - diffuse glioma: a front of many, enlarged, irregular nuclei.
    - lymphoma: many small round ones, everywhere.
    - giant cell: a front of few, huge, bizarre nuclei; beyond all of the first three.
    - low grade: a front that is a little denser than normal; between the first two.
    - necrosis: hardly a nucleus.

    Args:
        n: how many, >= 1.
        rng: the source of randomness. Sets of 25 patients have a generator of their own.
        laboratories: where the patients may have been stained and scanned.
        tissues: names out of `TISSUES`; label i is the i-th of them.
        shares: how frequent each is, adding up to 1; `SHARES` for the known three, else equal.
        size: side of a tile in pixels, >= 32.

    Returns:
        Labelled uint8 images (n, size, size, 3); patients are 0..n-1.

    Raises:
        ValueError: an unknown tissue, shares that do not fit, no laboratory, or n or size too low.

    >>> from data_fetch.simulated.laboratory import reference_laboratory
    >>> home = [reference_laboratory()]
    >>> tiles = tissue_tiles(3, rng=np.random.default_rng(0), laboratories=home)
    >>> tiles.sample.array.shape, tiles.sample.kind, tiles.names[0]
    ((3, 64, 64, 3), 'simulated', 'normal brain')
    """
    if unknown := set(tissues) - set(TISSUES):
        raise ValueError(f"no tissue {sorted(unknown)[0]!r}; there are {', '.join(TISSUES)}")
    if n < 1 or size < 32 or not laboratories or not tissues:
        raise ValueError(
            f"n={n} (>= 1), size={size} (>= 32), {len(laboratories)} laboratories,"
            f" {len(tissues)} tissues (>= 1): one is outside its range"
        )
    if shares is None:
        known = tuple(tissues) == KNOWN
        shares = SHARES if known else np.full(len(tissues), 1 / len(tissues))
    if len(shares) != len(tissues) or min(shares) < 0 or not np.isclose(sum(shares), 1):
        raise ValueError(f"shares {tuple(shares)}: give one for each of {tuple(tissues)}, sum 1")
    labels = rng.choice(len(tissues), size=n, p=shares)
    stained_by = rng.integers(len(laboratories), size=n)
    kinds = [TISSUES[tissues[label]] for label in labels]
    starts = range(0, n, _TOGETHER)
    images = np.concatenate(
        [
            _drawn(
                kinds[first : first + _TOGETHER],
                [laboratories[i] for i in stained_by[first : first + _TOGETHER]],
                size=size,
                rng=own,
            )
            for first, own in zip(starts, rng.spawn(len(starts)), strict=True)
        ]
    )
    sample = Sample(
        images,
        name="simulated/tissue_classes",
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(images),
        spacing_mm=(0.001, 0.001),
        licence="Apache-2.0 (the generator)",
        cite="Pixels to Patients, data_fetch/tasks/tissue_classes.py; stain vectors: Ruifrok AC, "
        "Johnston DA. Quantification of histochemical staining by color deconvolution. Anal. "
        "Quant. Cytol. Histol. 2001;23:291-299.",
        note="nothing here is tissue; the names of tissues say what the nuclei imitate",
    )
    return Labelled(sample=sample, labels=labels, names=tuple(tissues), patients=np.arange(n))


def _drawn(
    kinds: list[Tissue], laboratories: list[Laboratory], *, size: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "n size size 3"]:
    """One tile of each patient."""
    n, wide = len(kinds), any(_largest(kind.morphology) > 7 for kind in kinds)
    frame = (_WideFrame if wide else Frame).around(size, um_per_px=1.0, window_um=3.0)

    def own(name: str) -> Float[np.ndarray, "n 1 1"]:
        low, high = np.array([getattr(kind.morphology, name) for kind in kinds]).T
        return rng.uniform(low, high)[:, None, None]

    normal, tumour = own("normal_per_mm2"), own("tumour_per_mm2")
    radius, enlargement = own("normal_radius_um"), own("tumour_enlargement")
    worst, width, share = own("tumour_atypia"), own("front_width_um"), own("tumour_share")
    calm = np.array([kind.morphology.normal_atypia for kind in kinds])[:, None, None]
    fronts: Int[np.ndarray, " n"] = np.array([int(kind.front) for kind in kinds])
    front = _fronts(frame, fronts, share[:, 0, 0], width, rng)
    uneven = np.exp(0.15 * _smooth_noise(n, frame.full, cells=4, rng=rng))
    expected = uneven * (normal + front * (tumour - normal)) * 1e-6  # nuclei a pixel of 1 µm²
    mean_radius = radius * (1 + front * (enlargement - 1))
    mean_atypia = calm + front * (worst - calm)
    drawn = [
        scatter(one, number, size_um, severity, frame)
        for one, number, size_um, severity in zip(
            rng.spawn(n), expected, mean_radius, mean_atypia, strict=True
        )
    ]
    tile = np.repeat(np.arange(n), [len(nuclei["at"]) for nuclei in drawn])
    at, radii, atypia = (
        np.concatenate([nuclei[key] for nuclei in drawn]) for key in ("at", "radius", "atypia")
    )
    parts = [frame.crop(p) for p in outlines(tile, at, radii, atypia, n=n, frame=frame, rng=rng)]
    images = []
    for i, laboratory in enumerate(laboratories):
        stains = _stains(*(part[i : i + 1] for part in parts), "H&E", laboratory, rng)
        images.append(scan(stains, laboratory=laboratory, rng=rng))
    return np.concatenate(images)


def _largest(morphology: Morphology) -> float:
    """The largest mean radius of a nucleus, in µm."""
    return morphology.normal_radius_um[1] * morphology.tumour_enlargement[1]
