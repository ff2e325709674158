"""Several hospitals that look for the same thing, each with its own scanner, people and mixture.

What this captures and what not: cards/simulated_hospitals.md.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8

from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.histology import LABEL_NAMES, Morphology, histology_tiles
from data_fetch.simulated.laboratory import Laboratory, new_laboratory, scan

__all__ = ["PURPOSES", "Hospital", "hospitals"]

PURPOSES = ("training", "validation", "test")
# Few and hardly changed nuclei at the front: with the usual ones a hundred tiles teach everything.
_MORPHOLOGY = Morphology(
    normal_per_mm2=(1200.0, 3200.0),
    tumour_per_mm2=(3600.0, 5200.0),
    tumour_enlargement=(1.05, 1.25),
    tumour_atypia=(0.25, 0.55),
    tumour_share=(0.4, 0.8),
)
_FULL_VARIATION = 3.0  # of a laboratory at a scanner shift of 1; 1 is a usual one


@dataclass(frozen=True, eq=False, kw_only=True)
class Hospital:
    """One hospital's images by purpose; no patient serves two purposes.

    Attributes:
        name: "A", "B", ...
        training, validation, test: with the prevalence of its training images.
        balanced_validation, balanced_test: as many of either label, of the same patients as
            `validation` and `test` as far as they go.
        laboratory: how its scanner and stains differ.
    """

    name: str
    training: Labelled
    validation: Labelled
    test: Labelled
    balanced_validation: Labelled
    balanced_test: Labelled
    laboratory: Laboratory


def hospitals(
    counts: Int[np.ndarray, "n 2"],
    *,
    rng: np.random.Generator,
    scanner_shift: float = 0.0,
    slide_spread: float = 0.4,
    validation: int = 40,
    test: int = 200,
    size: int = 48,
) -> tuple[Hospital, ...]:
    """Hospitals that look for infiltrated tissue, each in images of its own.

    Three dials, independent of each other: the rows' sums (sizes), the rows' mixtures (label skew)
    and `scanner_shift`. Image k of a label, a purpose and a hospital comes from a stream of its
    own: more hospitals, other counts or other mixtures change none of those that stay, and scanner
    and slide change how an image looks, not what is in it.

    Args:
        counts: one row a hospital, 26 at most: training images that are normal, and infiltrated.
        rng: the source of randomness, fresh: each hospital gets a stream of its own.
        scanner_shift: 0 = the reference scanner for all, 1 = each its own, strongly different:
            stain vectors turned by about 9°, strengths changed by about 45 %, in proportion
            between.
        slide_spread: standard deviation of the logarithm of a slide's own factor on both stains, as
            sections differ in thickness at any hospital. With 0 the mean of red nearly tells the
            labels apart. 0..1.
        validation, test: images of each hospital, even numbers.
        size: side of a tile in pixels (1 µm each), at least 32.

    Returns:
        The hospitals, in the order of the rows.

    Raises:
        ValueError: a number out of its range.

    >>> found = hospitals(np.array([[3, 1], [0, 2]]), rng=np.random.default_rng(0),
    ...                   validation=4, test=4, size=32)
    >>> [(h.name, *h.training.labels.tolist()) for h in found]
    [('A', 0, 0, 0, 1), ('B', 1, 1)]
    """
    if not 1 <= len(counts) <= 26 or (counts < 0).any() or (counts.sum(axis=1) < 1).any():
        raise ValueError(f"counts are {counts.tolist()}; 1 to 26 rows, an image in each")
    if not 0 <= scanner_shift <= 1:
        raise ValueError(f"scanner_shift is {scanner_shift}; 0 = one scanner, 1 = each its own")
    if not 0 <= slide_spread <= 1:
        raise ValueError(f"slide_spread is {slide_spread}; 0 = all slides alike, at most 1")
    if min(validation, test) < 2 or validation % 2 or test % 2:
        raise ValueError(f"validation={validation} and test={test} must be even, and at least 2")
    if size < 32:
        raise ValueError(f"size={size}: a tile has at least 32 pixels a side")
    looks = _Looks(scanner_shift=scanner_shift, slide_spread=slide_spread, size=size)
    return tuple(
        _hospital(i, row, looks, {"validation": validation, "test": test}, own)
        for i, (row, own) in enumerate(zip(counts.tolist(), rng.spawn(len(counts)), strict=True))
    )


@dataclass(frozen=True, kw_only=True)
class _Looks:
    scanner_shift: float
    slide_spread: float
    size: int


def _hospital(
    i: int,
    row: list[int],
    looks: _Looks,
    held_out: dict[str, int],
    rng: np.random.Generator,
) -> Hospital:
    for_scanner, *for_purposes = rng.spawn(1 + len(PURPOSES))
    laboratory = new_laboratory(rng=for_scanner, variation=_FULL_VARIATION * looks.scanner_shift)
    wanted: dict[str, list[int]] = {"training": row}
    for purpose, n in held_out.items():
        positives = int(np.rint(n * row[1] / sum(row)))
        wanted[purpose] = [n - positives, positives]
    labelled = {}
    for purpose, own in zip(PURPOSES, for_purposes, strict=True):
        forms = {purpose: wanted[purpose]}
        if purpose in held_out:
            forms[f"balanced_{purpose}"] = [held_out[purpose] // 2] * 2
        most = max(max(form) for form in forms.values())
        by_label, people = _scanned(most, laboratory, looks, own)
        first = (i * len(PURPOSES) + PURPOSES.index(purpose)) * 1_000_000
        for form, (normal, infiltrated) in forms.items():
            labelled[form] = _labelled(
                np.concatenate([by_label[0][:normal], by_label[1][:infiltrated]]),
                np.repeat([0, 1], [normal, infiltrated]),
                first + np.concatenate([people[:normal], people[:infiltrated]]),
                name=f"simulated/hospital_{_name(i)}_{form}",
            )
    return Hospital(name=_name(i), laboratory=laboratory, **labelled)


def _scanned(
    n: int, laboratory: Laboratory, looks: _Looks, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "2 n size size 3"], Int[np.ndarray, " n"]]:
    """A normal and an infiltrated tile of each of n patients, as this scanner shows them."""
    for_tissue, for_noise, for_slides = rng.spawn(3)
    tiles = histology_tiles(
        n,
        rng=for_tissue,
        tiles_per_patient=2,
        size=looks.size,
        laboratory_variation=0.0,
        morphology=_MORPHOLOGY,
        keep_stains=True,
    )
    strengths = np.asarray(laboratory.strengths, dtype=np.float32)
    by_label = np.empty((2, n, looks.size, looks.size, 3), dtype=np.uint8)
    streams = zip(for_noise.spawn(n), for_slides.spawn(n), strict=True)
    for person, (noise, slides) in enumerate(streams):
        rows = 2 * person + np.argsort(tiles.labels[2 * person : 2 * person + 2])
        # one section a tile: both stains go with its thickness
        thickness = np.exp(looks.slide_spread * slides.standard_normal((2, 1, 1, 1)))
        stains = tiles.stains[rows] * (strengths * thickness.astype(np.float32))
        by_label[:, person] = scan(stains, laboratory=laboratory, rng=noise)
    return by_label, np.arange(n)


def _labelled(images: np.ndarray, labels: np.ndarray, patients: np.ndarray, *, name: str):
    sample = Sample(
        images,
        name=name,
        kind="simulated",
        unit="intensity 0..255",
        sha256=sha256_of_array(images),
        spacing_mm=(0.001, 0.001),
        licence="Apache-2.0 (the generator)",
        cite="Pixels to Patients, data_fetch/tasks/hospitals.py; stain vectors: Ruifrok AC, "
        "Johnston DA. Quantification of histochemical staining by color deconvolution. Anal. "
        "Quant. Cytol. Histol. 2001;23:291-299.",
        note="nothing here is tissue, and no hospital is real; by label, not in random order",
    )
    return Labelled(sample=sample, labels=labels, names=LABEL_NAMES, patients=patients)


def _name(i: int) -> str:
    return chr(ord("A") + i)
