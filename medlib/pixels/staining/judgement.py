"""A painted field beside the true one: what it scores, by measures with pairs and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from medlib.measures.quality import psnr_db
from medlib.pixels.staining.nuclei import NucleusMatch, find_nuclei, match_nuclei
from medlib.pixels.staining.optical_density import optical_density
from medlib.pixels.staining.patches import tiles
from medlib.pixels.staining.sharpness import sharpness_ratio
from medlib.pixels.staining.stain import DAB, HAEMATOXYLIN, separate_stains, stain_matrix
from medlib.pixels.staining.structure import structure_correlation

RADIUS_PX = 3.0  # of a nucleus; two peaks are at least this far apart, a pair at most
PERCENTILE = 99.0  # of a tissue's haematoxylin: the unit of the counter's threshold


def dyes_of(
    images: Float[Tensor, "n 3 height width"],
) -> Float[Tensor, "n 3 height width"]:
    """Amounts of haematoxylin and of DAB, and what the two cannot explain."""
    return separate_stains(optical_density(images), matrix=stain_matrix(HAEMATOXYLIN, DAB))


def haematoxylin_of(images: Float[Tensor, "n 3 height width"]) -> Float[np.ndarray, "n h w"]:
    """The maps of haematoxylin as the counter of nuclei takes them."""
    return dyes_of(images)[:, 0].double().cpu().numpy()


def dark_end(images: Float[Tensor, "n 3 height width"]) -> float:
    """The 99th percentile of haematoxylin: how dark this tissue's darkest nuclei are.

    Laboratories stain more or less strongly; a threshold that is a share of this number means the
    same in each.
    """
    return float(np.percentile(haematoxylin_of(images), PERCENTILE))


def count_nuclei(
    images: Float[Tensor, "n 3 height width"], *, threshold: float
) -> list[Float[np.ndarray, "_ 2"]]:
    """Row and column of the peaks of haematoxylin, image by image.

    Args:
        images: stained, or painted as if.
        threshold: least smoothed amount at a peak.
    """
    return [
        find_nuclei(amount, threshold=threshold, radius_px=RADIUS_PX)
        for amount in haematoxylin_of(images)
    ]


def match_all(
    found: list[Float[np.ndarray, "_ 2"]], truth: list[Float[np.ndarray, "_ 2"]]
) -> NucleusMatch:
    """The peaks of all images paired with the true ones, image by image, and added up."""
    matches = [
        match_nuclei(here, truth=there, within_px=RADIUS_PX)
        for here, there in zip(found, truth, strict=True)
    ]
    return sum(matches, start=NucleusMatch(0, 0, 0))


@dataclass(frozen=True)
class Judgement:
    """What a painted field scores.

    Attributes:
        psnr_db: 10 log10(1 / MSE) of colours in 0..1, mean over the tiles; higher = closer.
        structure: mean over the tiles of the correlation of haematoxylin with the true map.
        brown: the same of DAB.
        nuclei: peaks matched, invented and erased, over all tiles.
        sharpness: as a share of that of the reference tissue.
    """

    psnr_db: float
    structure: float
    brown: float
    nuclei: NucleusMatch
    sharpness: float

    @property
    def f1(self) -> float:
        """Of nuclei; 1 = all and only those of the true image."""
        return self.nuclei.f1


class Judge:
    """Compares painted fields with one true field, tile by tile.

    Args:
        truth: the true field (1, 3, height, width).
        reference: stained tissue of other places, as (1, 3, height, width): the unit of sharpness.
        tile_px: side of a tile.
        threshold: of the counter of nuclei.

    Raises:
        ValueError: not one tile fits.

    Example:
        >>> import torch
        >>> field = torch.rand(1, 3, 20, 40, generator=torch.Generator().manual_seed(0))
        >>> found = Judge(field, reference=field, tile_px=20, threshold=0.1)(field)
        >>> found.psnr_db, round(found.structure, 6), found.f1, round(found.sharpness, 6)
        (inf, 1.0, 1.0, 1.0)
    """

    def __init__(self, truth: Tensor, *, reference: Tensor, tile_px: int, threshold: float) -> None:
        self.tile_px, self.threshold = tile_px, threshold
        self.truth = tiles(truth, size=tile_px)
        self.reference = tiles(reference, size=tile_px)
        self.nuclei = count_nuclei(self.truth, threshold=threshold)
        self._dyes = dyes_of(self.truth)

    def cut(self, field: Tensor) -> Tensor:
        """A field's tiles, in the order of the truth's."""
        return tiles(field, size=self.tile_px)

    def psnr_db(self, field: Tensor, *, other: Tensor | None = None) -> float:
        """Mean over the tiles of the PSNR to the truth, or to another field."""
        pair = self.cut(field), self.truth if other is None else self.cut(other)
        made, true = (part.flatten(1, 2) for part in pair)
        return float(psnr_db(made, truth=true, data_range=1.0).mean())

    def sharpness(self, field: Tensor) -> float:
        """As a share of that of the reference tissue."""
        return sharpness_ratio(self.cut(field), reference=self.reference)

    def structure(self, field: Tensor, *, dye: int = 0) -> np.ndarray:
        """Correlation of a dye (0: haematoxylin, 1: DAB) with its true map, one number a tile."""
        made = dyes_of(self.cut(field))[:, dye]
        return structure_correlation(made, truth=self._dyes[:, dye]).cpu().numpy()

    def match(self, field: Tensor) -> NucleusMatch:
        """Nuclei matched, invented and erased."""
        return match_all(count_nuclei(self.cut(field), threshold=self.threshold), self.nuclei)

    def __call__(self, field: Tensor) -> Judgement:
        """All of it."""
        identical = bool((self.cut(field) == self.truth).all())
        return Judgement(
            psnr_db=float("inf") if identical else self.psnr_db(field),
            structure=float(self.structure(field).mean()),
            brown=float(self.structure(field, dye=1).mean()),
            nuclei=self.match(field),
            sharpness=self.sharpness(field),
        )
