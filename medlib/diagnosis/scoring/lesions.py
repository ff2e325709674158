"""Lesions one by one: found, missed and invented; and recall at a number of false alarms a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import generate_binary_structure, label, maximum
from scipy.optimize import linear_sum_assignment

__all__ = [
    "Candidates",
    "LesionMatch",
    "candidates",
    "match_lesions",
    "recall_at",
    "threshold_at",
    "touched",
]


@dataclass(frozen=True)
class LesionMatch:
    """How many lesions of one scan were found, how many missed, and how many invented."""

    found: int
    missed: int
    invented: int


@dataclass(frozen=True, eq=False)
class Candidates:
    """Marked regions of many scans, each with its score and whether it is a lesion.

    A lesion is found by the candidate that it was matched with; no candidate finds two, and none of
    two candidates on one lesion counts twice: the other one is a false alarm.
    """

    scores: Float[np.ndarray, " candidates"]
    is_lesion: Bool[np.ndarray, " candidates"]
    n_lesions: int
    n_scans: int

    def at(self, threshold: float) -> tuple[float, float]:
        """Lesion-wise recall and false alarms a scan, if candidates from a score on are kept."""
        kept = self.scores >= threshold
        hits = int(self.is_lesion[kept].sum())
        return hits / self.n_lesions, (int(kept.sum()) - hits) / self.n_scans

    def curve(self) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """False alarms a scan and lesion-wise recall, from the highest threshold to the lowest.

        Candidates of one score come together, for no threshold lies between them.

        Source: Bunch et al. (1978), free-response receiver operating characteristic.
        """
        order = np.argsort(-self.scores, kind="stable")
        hits = np.cumsum(self.is_lesion[order])
        last = np.append(np.diff(self.scores[order]) != 0, True)[: len(order)]
        alarms = np.arange(1, len(order) + 1) - hits
        kept = np.flatnonzero(last)
        return (
            np.append(0.0, alarms[kept] / self.n_scans),
            np.append(0.0, hits[kept] / self.n_lesions),
        )


def match_lesions(
    predicted: Bool[np.ndarray, " ..."], truth: Bool[np.ndarray, " ..."], *, least_iou: float
) -> LesionMatch:
    """Pair the regions of two masks one to one, so that most lesions are found.

    "Any overlap finds it" lets one large blob find every lesion; so a pair must overlap enough.

    Args:
        predicted, truth: masks of one scan. Pixels that touch at a corner are one region.
        least_iou: the least IoU of a pair, above 0 and at most 1.

    Raises:
        ValueError: shapes differ, or `least_iou` is out of range.

    Example:
        >>> truth = np.zeros((5, 9), dtype=bool)
        >>> truth[1:3, 1:3] = truth[1:3, 6:8] = True
        >>> match_lesions(np.ones((5, 9), dtype=bool), truth, least_iou=0.1)
        LesionMatch(found=0, missed=2, invented=1)
    """
    _must_agree("predicted", predicted, truth)
    (marked, n_marked), (lesions, n_lesions) = _regions(predicted), _regions(truth)
    found = len(_paired(marked, lesions, least_iou))
    return LesionMatch(found, n_lesions - found, n_marked - found)


def touched(
    predicted: Bool[np.ndarray, " ..."], truth: Bool[np.ndarray, " ..."]
) -> tuple[int, int]:
    """How many lesions of one scan any marked pixel touches, and how many there are.

    The generous rule, under which a mask of everything has missed nothing.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> truth = np.zeros((5, 9), dtype=bool)
        >>> truth[1:3, 1:3] = truth[1:3, 6:8] = True
        >>> touched(np.ones((5, 9), dtype=bool), truth)
        (2, 2)
    """
    _must_agree("predicted", predicted, truth)
    lesions, n = _regions(truth)
    return len(np.unique(lesions[predicted & (lesions > 0)])), n


def candidates(
    probabilities: Float[np.ndarray, "scans ..."],
    truth: Bool[np.ndarray, "scans ..."],
    *,
    floor: float,
    least_iou: float,
) -> Candidates:
    """The regions in which a probability reaches a floor, each scored by its highest one.

    Args:
        probabilities: of each pixel.
        truth: masks.
        floor: from which probability on a pixel belongs to a candidate. It decides the regions'
            sizes, and so which of them overlap enough.
        least_iou: as in `match_lesions`.

    Raises:
        ValueError: shapes differ, there is no lesion in any scan, or `least_iou` is out of range.

    Example:
        >>> p, y = np.array([[0.1, 0.8, 0.2, 0.6]]), np.array([[False, True, False, False]])
        >>> found = candidates(p, y, floor=0.5, least_iou=0.5)
        >>> found.scores, found.is_lesion
        (array([0.8, 0.6]), array([ True, False]))
    """
    probabilities, truth = np.asarray(probabilities, dtype=float), np.asarray(truth, dtype=bool)
    _must_agree("probabilities", probabilities, truth)
    scores, is_lesion, n_lesions = [], [], 0
    for p, y in zip(probabilities, truth, strict=True):
        (marked, n_marked), (lesions, n_true) = _regions(p >= floor), _regions(y)
        scores.append(np.atleast_1d(maximum(p, marked, np.arange(1, n_marked + 1)))[:n_marked])
        hit = np.zeros(n_marked, dtype=bool)
        hit[[one for one, _ in _paired(marked, lesions, least_iou)]] = True
        is_lesion.append(hit)
        n_lesions += n_true
    if n_lesions == 0:
        raise ValueError("truth holds no lesion in any scan: there is nothing to recall")
    return Candidates(np.concatenate(scores), np.concatenate(is_lesion), n_lesions, len(truth))


def threshold_at(found: Candidates, false_alarms: float) -> float:
    """The score from which on candidates are kept, so that few enough false alarms are raised.

    To be taken from validation scans and used on others, by `Candidates.at`: a recall read off the
    curve of the scans that judge knows their false alarms.

    Args:
        found: of validation scans.
        false_alarms: a scan, at most.

    Returns:
        The lowest such score; infinity where even the highest raises too many.

    Raises:
        ValueError: `false_alarms` is negative.

    Example:
        >>> one = Candidates(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), 4, 2)
        >>> threshold_at(one, 0.0), threshold_at(one, 0.5)
        (0.9, 0.7)
    """
    if not false_alarms >= 0:
        raise ValueError(f"false_alarms = {false_alarms} must not be negative")
    scores, place = np.unique(found.scores, return_inverse=True)
    invented = np.bincount(place, ~found.is_lesion, minlength=len(scores))
    alarms = np.cumsum(invented[::-1])[::-1]  # of all candidates from each score on
    kept = scores[alarms <= false_alarms * found.n_scans]
    return float(kept.min()) if len(kept) else np.inf


def recall_at(
    found: Candidates, false_alarms: Sequence[float]
) -> Float[np.ndarray, " false_alarms"]:
    """Lesion-wise recall where so many false alarms a scan are allowed.

    The highest recall of all thresholds that keep within it: no point between two thresholds is
    made up, as a straight line would.

    Args:
        found: of all scans.
        false_alarms: a scan, 0 or more.

    Raises:
        ValueError: a number of false alarms is negative.

    Example:
        >>> one = Candidates(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), 4, 2)
        >>> recall_at(one, [0.0, 0.25, 0.5])
        array([0.25, 0.25, 0.5 ])
    """
    allowed = np.asarray(false_alarms, dtype=float)
    if (allowed < 0).any():
        raise ValueError(f"false_alarms = {false_alarms} must not be negative")
    alarms, recall = found.curve()
    return recall[np.searchsorted(alarms, allowed, side="right") - 1]


def _must_agree(name: str, marked: np.ndarray, truth: np.ndarray) -> None:
    if marked.shape != truth.shape:
        raise ValueError(f"{name} {marked.shape} and truth {truth.shape} differ in shape")


def _paired(marked: np.ndarray, lesions: np.ndarray, least_iou: float) -> list[tuple[int, int]]:
    """Pairs of (marked region, lesion), both counted from 0, of two images of numbered regions."""
    if not 0 < least_iou <= 1:
        raise ValueError(f"least_iou = {least_iou} must be above 0 and at most 1")
    shared = np.zeros((marked.max() + 1, lesions.max() + 1))
    np.add.at(shared, (marked.ravel(), lesions.ravel()), 1)
    own, theirs = shared.sum(axis=1, keepdims=True), shared.sum(axis=0, keepdims=True)
    iou = (shared / np.maximum(own + theirs - shared, 1))[1:, 1:]
    good = iou >= least_iou
    rows, columns = linear_sum_assignment(good + iou / (1 + iou.size), maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if good[i, j]]


def _regions(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The regions of a mask, numbered from 1, and how many there are."""
    return label(mask, structure=generate_binary_structure(mask.ndim, mask.ndim))
