"""Counting nuclei: found, erased, invented.

Nuclei are found as peaks of smoothed haematoxylin, in the true image and in the network's by the
same detector. Pairing the two sets one to one tells how many were erased and how many invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from skimage.feature import peak_local_max


@dataclass(frozen=True)
class NucleusMatch:
    """Two sets of nuclei, paired one to one.

    Attributes:
        matched: pairs within the radius.
        invented: found, but not in the truth.
        erased: in the truth, but not found.
    """

    matched: int
    invented: int
    erased: int

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 = all and only the true nuclei. 1 if both sets are empty."""
        total = 2 * self.matched + self.invented + self.erased
        return 2 * self.matched / total if total else 1.0

    def __add__(self, other: NucleusMatch) -> NucleusMatch:
        return NucleusMatch(
            self.matched + other.matched,
            self.invented + other.invented,
            self.erased + other.erased,
        )


def find_nuclei(
    haematoxylin: Float[np.ndarray, "height width"],
    *,
    threshold: float,
    radius_px: float,
) -> Float[np.ndarray, "count 2"]:
    """Peaks of haematoxylin: smooth with a Gaussian of half a nucleus's radius, take maxima.

    Args:
        haematoxylin: amount of the dye.
        threshold: least smoothed amount at a peak, in the map's unit.
        radius_px: of a nucleus; two peaks are at least this far apart.

    Returns:
        (count, 2): row and column of each nucleus.

    Raises:
        ValueError: if the radius is below a pixel.

    Example:
        >>> rows, columns = np.mgrid[:32, :32]
        >>> spot = np.exp(-((rows - 9.0) ** 2 + (columns - 20.0) ** 2) / 18)
        >>> find_nuclei(spot, threshold=0.3, radius_px=4.0)
        array([[ 9., 20.]])
    """
    if not radius_px >= 1:
        raise ValueError(f"radius_px is {radius_px}; a nucleus needs a radius of a pixel or more")
    smooth = gaussian_filter(haematoxylin, radius_px / 2)
    peaks = peak_local_max(
        smooth, min_distance=max(1, round(radius_px)), threshold_abs=threshold, exclude_border=False
    )
    return peaks.astype(float)


def match_nuclei(
    found: Float[np.ndarray, "count 2"],
    *,
    truth: Float[np.ndarray, "number 2"],
    within_px: float,
) -> NucleusMatch:
    """Pair found with true nuclei one to one so that as many as possible lie within a radius.

    Among the pairings with most pairs, that of least total distance (Hungarian algorithm).

    Args:
        found: row and column of each nucleus found.
        truth: of each true one.
        within_px: largest distance of a pair, in pixels, > 0.

    Returns:
        The counts; `.f1` is higher = better.

    Raises:
        ValueError: if the radius is not positive.

    Example:
        >>> true = np.array([[5.0, 5.0], [20.0, 20.0]])
        >>> match_nuclei(np.array([[6.0, 5.0], [12.0, 12.0]]), truth=true, within_px=3.0)
        NucleusMatch(matched=1, invented=1, erased=1)

    Source: Kuhn 1955, doi:10.1002/nav.3800020109, as scipy's `linear_sum_assignment`.
    """
    matched = len(_paired(found, truth, within_px)[0])
    return NucleusMatch(matched, invented=len(found) - matched, erased=len(truth) - matched)


def unpaired_nuclei(
    found: Float[np.ndarray, "count 2"],
    *,
    others: Float[np.ndarray, "number 2"],
    within_px: float,
) -> Float[np.ndarray, "left 2"]:
    """The nuclei found that `match_nuclei` leaves without a partner.

    Args:
        found: row and column of each nucleus.
        others: those to be paired with. With the truth here the rest was invented; with the two
            sets exchanged it was erased.
        within_px: as in `match_nuclei`.

    Returns:
        (left, 2).

    Raises:
        ValueError: if the radius is not positive.

    Example:
        >>> true = np.array([[5.0, 5.0], [20.0, 20.0]])
        >>> unpaired_nuclei(true, others=np.array([[6.0, 5.0]]), within_px=3.0)
        array([[20., 20.]])
    """
    return np.delete(found, _paired(found, others, within_px)[0], axis=0)


def _paired(found: np.ndarray, truth: np.ndarray, within_px: float) -> tuple[np.ndarray, ...]:
    """Indices into both sets of the pairs: as many as possible, then as close as possible."""
    if not within_px > 0:
        raise ValueError(f"within_px is {within_px}; it must be positive")
    if len(found) == 0 or len(truth) == 0:
        return np.empty(0, int), np.empty(0, int)
    distance = cdist(found, truth)
    allowed = distance <= within_px
    # a forbidden pair costs more than any number of allowed ones: none displaces two good pairs
    cost = np.where(allowed, distance, within_px * (1 + min(distance.shape)))
    rows, columns = linear_sum_assignment(cost)
    near = allowed[rows, columns]
    return rows[near], columns[near]
