"""How well scores find a lesion, scan by scan: average precision, and recall at few false marks."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["recall_of_scans", "scan_precision", "threshold_of_share"]


def scan_precision(
    scores: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "same_n same_h same_w"]
) -> Float[np.ndarray, " n"]:
    r"""Average precision of the pixels of each scan by itself.

    .. math:: AP = \sum_k (R_k - R_{k-1}) P_k

    over all thresholds, with precision P and recall R. Chance gives about the share of pixels that
    are lesion. Equal scores are one threshold. As in scikit-learn, for many scans at once.

    Raises:
        ValueError: shapes differ, or a scan has no lesion: its recall is not defined.

    Example:
        >>> scores = np.array([[[0.9, 0.8, 0.1]]])
        >>> scan_precision(scores, np.array([[[True, False, True]]])).round(3).tolist()
        [0.833]
    """
    if scores.shape != masks.shape or scores.ndim != 3:
        raise ValueError(f"scores {scores.shape} and masks {masks.shape}: give (n, h, w) of each")
    flat, truth = scores.reshape(len(scores), -1), masks.reshape(len(masks), -1)
    if not truth.any(axis=1).all():
        raise ValueError("a scan has no lesion: its average precision is not defined")
    order = np.argsort(-flat, axis=1, kind="stable")
    sorted_scores = np.take_along_axis(flat, order, axis=1)
    hits = np.take_along_axis(truth, order, axis=1)
    pixels = flat.shape[1]
    precision = hits.cumsum(axis=1) / np.arange(1, pixels + 1)
    # a group of equal scores has the precision of its last pixel
    last = np.ones_like(hits)
    last[:, :-1] = sorted_scores[:, :-1] != sorted_scores[:, 1:]
    ends = np.where(last, np.arange(pixels), pixels)
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    precision = np.take_along_axis(precision, ends, axis=1)
    return (precision * hits).sum(axis=1) / hits.sum(axis=1)


def threshold_of_share(
    scores: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"], *, share: float
) -> float:
    """The score above which this share of the healthy pixels lies.

    To be taken from validation scans, and used on others.

    Raises:
        ValueError: a share outside 0 < share < 1.

    Example:
        >>> healthy = np.zeros((1, 1, 5), dtype=bool)
        >>> threshold_of_share(np.arange(5.0).reshape(1, 1, 5), healthy, share=0.25)
        3.0
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; it must lie between 0 and 1")
    return float(np.quantile(scores[~masks], 1 - share))


def recall_of_scans(
    scores: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"], *, threshold: float
) -> Float[np.ndarray, " n"]:
    """The share of each lesion's pixels whose score is above a threshold.

    Example:
        >>> scores = np.array([[[0.9, 0.8, 0.1]]])
        >>> recall_of_scans(scores, np.array([[[True, False, True]]]), threshold=0.5).tolist()
        [0.5]
    """
    return ((scores > threshold) & masks).sum(axis=(1, 2)) / masks.sum(axis=(1, 2))
