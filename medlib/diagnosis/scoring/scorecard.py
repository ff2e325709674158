"""One set of masks by every measure at once: what a table of a paper would choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medlib.diagnosis.scoring.lesions import match_lesions
from medlib.diagnosis.scoring.overlap import Confusion, confusion
from medlib.diagnosis.scoring.surfaces import SurfaceDistances, surface_distances

__all__ = ["HAUSDORFF_RULES", "Scorecard", "scorecard"]

HAUSDORFF_RULES = ("where defined", "common", "diagonal")


@dataclass(frozen=True, eq=False)
class Scorecard:
    """What there is to say of masks, scan by scan.

    Attributes:
        pixels: right and wrong pixels of each scan.
        surfaces: distances between surfaces of each scan, in mm.
        found, missed, invented: lesions of each scan.
        diagonal_mm: of the image: the largest distance that there can be.
    """

    pixels: Confusion
    surfaces: tuple[SurfaceDistances, ...]
    found: Int[np.ndarray, " scans"]
    missed: Int[np.ndarray, " scans"]
    invented: Int[np.ndarray, " scans"]
    diagonal_mm: float

    @property
    def both_there(self) -> Bool[np.ndarray, " scans"]:
        """Where something is marked and something is there to be marked."""
        return np.array([not any(one.empty) for one in self.surfaces])

    def lesion_recall(self) -> float:
        """Lesions found, of all; nan without any."""
        lesions = self.found.sum() + self.missed.sum()
        return float(self.found.sum() / lesions) if lesions else np.nan

    def alarms_per_scan(self) -> float:
        """Invented lesions a scan."""
        return float(self.invented.mean())

    def hausdorff_mm(
        self, rule: str, *, common: Bool[np.ndarray, " scans"] | None = None
    ) -> Float[np.ndarray, " counted"]:
        """The 95th percentile of Hausdorff's distance in the scans that a rule counts, in mm.

        Args:
            rule: "where defined" counts scans where both masks hold something; "common" those of
                them that `common` names, so that two models answer for the same scans; "diagonal"
                charges the image's diagonal where one mask alone is empty, and leaves out scans
                where both are.
            common: for the rule of that name.

        Raises:
            ValueError: another rule, or "common" without the scans.
        """
        if rule not in HAUSDORFF_RULES:
            raise ValueError(f"rule {rule!r} is none of {', '.join(HAUSDORFF_RULES)}")
        if rule == "common" and common is None:
            raise ValueError('the rule "common" needs `common`: the scans that all models share')
        price = self.diagonal_mm if rule == "diagonal" else np.nan
        values = np.array([one.hausdorff_mm(one_empty=price) for one in self.surfaces])
        return values[~np.isnan(values) & (common if rule == "common" else True)]

    def surface_dice(self, tolerance_mm: float) -> Float[np.ndarray, " scans"]:
        """Normalised surface Dice of each scan; 0 where one mask is empty, nan where both are."""
        return np.array([one.within(tolerance_mm) for one in self.surfaces])


def scorecard(
    marked: Bool[np.ndarray, "scans rows columns"],
    truth: Bool[np.ndarray, "scans rows columns"],
    *,
    spacing_mm: Sequence[float],
    least_iou: float,
) -> Scorecard:
    """Hold masks against the truth.

    Args:
        marked, truth: masks of the same scans.
        spacing_mm: a pixel's height and width.
        least_iou: with how much overlap a marked region has found a lesion.

    Raises:
        ValueError: shapes differ, or what `surface_distances` and `match_lesions` refuse.

    Example:
        >>> truth = np.zeros((1, 8, 8), dtype=bool)
        >>> truth[0, 2:5, 2:5] = True
        >>> card = scorecard(np.roll(truth, 1, axis=2), truth, spacing_mm=(1, 1), least_iou=0.1)
        >>> card.pixels.dice().round(2), card.lesion_recall(), card.hausdorff_mm("diagonal")
        (array([0.67]), 1.0, array([1.]))
    """
    pixels = confusion(marked, truth)
    pairs = list(zip(marked, truth, strict=True))
    matches = [match_lesions(m, t, least_iou=least_iou) for m, t in pairs]
    return Scorecard(
        pixels=pixels,
        surfaces=tuple(surface_distances(m, t, spacing_mm=spacing_mm) for m, t in pairs),
        found=np.array([match.found for match in matches]),
        missed=np.array([match.missed for match in matches]),
        invented=np.array([match.invented for match in matches]),
        diagonal_mm=float(np.hypot(*(np.array(truth.shape[1:]) * spacing_mm))),
    )
