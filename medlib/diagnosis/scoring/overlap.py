"""Counts of right and wrong pixels, scan by scan, and the ratios that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True, eq=False)
class Confusion:
    """True and false positives and negatives of each scan.

    Every ratio takes what it is worth where its denominator is zero; nan unless said otherwise.
    A mean over scans depends on it, and the libraries differ. nnU-Net has our formula: nan where
    both masks are empty, left out of the mean. MONAI's Dice is nan wherever the truth is empty, so
    that a false alarm in a healthy scan, a zero under our formula, is left out of its mean; with
    `ignore_empty=False` both empty masks give one. scikit-learn gives what `zero_division` says.

    Example:
        >>> one = Confusion(*(np.array([n]) for n in (2, 1, 1, 96)))
        >>> one.dice().round(3), one.accuracy()
        (array([0.667]), array([0.98]))
    """

    true_positives: Int[np.ndarray, " scans"]
    false_positives: Int[np.ndarray, " scans"]
    false_negatives: Int[np.ndarray, " scans"]
    true_negatives: Int[np.ndarray, " scans"]

    def pooled(self) -> Confusion:
        """All scans as one: a large lesion then counts for more than a small one."""
        counts = (
            self.true_positives,
            self.false_positives,
            self.false_negatives,
            self.true_negatives,
        )
        return Confusion(*(np.atleast_1d(np.sum(count)) for count in counts))

    def accuracy(self) -> Float[np.ndarray, " scans"]:
        """The share of pixels that are right."""
        right = self.true_positives + self.true_negatives
        return right / (right + self.false_positives + self.false_negatives)

    def precision(self, *, empty: float = np.nan) -> Float[np.ndarray, " scans"]:
        """TP / (TP + FP); `empty` where nothing was marked."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives, empty)

    def recall(self, *, empty: float = np.nan) -> Float[np.ndarray, " scans"]:
        """TP / (TP + FN), the sensitivity; `empty` where there was nothing to find."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives, empty)

    def f_beta(self, beta: float, *, empty: float = np.nan) -> Float[np.ndarray, " scans"]:
        """(1 + β²) TP / ((1 + β²) TP + β² FN + FP); `empty` where both masks are empty.

        A missed pixel weighs β² times as much as an invented one.

        Raises:
            ValueError: β is negative.

        Source: van Rijsbergen (1979), Information Retrieval, ch. 7.
        """
        if beta < 0:
            raise ValueError(f"beta = {beta} must not be negative")
        hits = (1 + beta**2) * self.true_positives
        return _ratio(hits, hits + beta**2 * self.false_negatives + self.false_positives, empty)

    def dice(self, *, empty: float = np.nan) -> Float[np.ndarray, " scans"]:
        """2 TP / (2 TP + FP + FN), which is F₁; `empty` where both masks are empty.

        Source: Dice (1945), doi:10.2307/1932409.
        """
        return self.f_beta(1.0, empty=empty)

    def iou(self, *, empty: float = np.nan) -> Float[np.ndarray, " scans"]:
        """TP / (TP + FP + FN) = Dice / (2 - Dice); `empty` where both masks are empty."""
        union = self.true_positives + self.false_positives + self.false_negatives
        return _ratio(self.true_positives, union, empty)


def confusion(
    predicted: Bool[np.ndarray, "scans ..."], truth: Bool[np.ndarray, "scans ..."]
) -> Confusion:
    """Count right and wrong pixels of each scan.

    Args:
        predicted, truth: masks.

    Raises:
        ValueError: shapes differ, or a scan has no pixels.
        TypeError: a mask is not of type bool, as probabilities are not.

    Example:
        >>> truth = np.array([[False, False, True, True]])
        >>> confusion(np.array([[False, True, True, False]]), truth).false_positives
        array([1])
    """
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if not predicted.dtype == truth.dtype == bool:
        raise TypeError(
            f"predicted is of {predicted.dtype} and truth of {truth.dtype}: masks are of bool;"
            " threshold probabilities first, and compare labels with 1"
        )
    if predicted.shape != truth.shape or predicted.ndim < 2 or 0 in predicted.shape:
        raise ValueError(
            f"predicted {predicted.shape} and truth {truth.shape} must have one shape:"
            " scans first, and pixels"
        )
    a, b = predicted.reshape(len(truth), -1), truth.reshape(len(truth), -1)
    pairs = ((a, b), (a, ~b), (~a, b), (~a, ~b))
    return Confusion(*((x & y).sum(axis=1) for x, y in pairs))


def _ratio(part: np.ndarray, whole: np.ndarray, empty: float) -> Float[np.ndarray, " scans"]:
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full(whole.shape, float(empty)), where=whole > 0)
