"""How much of an AUC is the observer's own training: train it again on resampled scans."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.measures.auc import auc
from medlib.pixels.ct.observer import train_observer

Pair = tuple[Tensor, Tensor]


def retrained_changes(
    first: Pair,
    second: Pair,
    *,
    channels: Tensor,
    n_learn: int,
    n_resamples: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " resamples"]:
    """AUC of the first method minus that of the second, by observers trained again and again.

    Each time the training scans are drawn with replacement from the first `n_learn`, the same draw
    for both methods and for scans with and without the lesion; the rest is scored. DeLong's
    interval holds the observer fixed; the spread of these numbers is what it leaves out.

    Args:
        first: images with and without the lesion by one method, each (n, size, size).
        second: the same scans by the other.
        channels: (k, size, size).
        n_learn: scans of each kind to train on; the others are scored.
        n_resamples: trainings.
        rng: draws the training scans.

    Raises:
        ValueError: fewer than two scans of a kind are left to be scored, or no training is asked.

    Example:
        >>> from medlib.pixels.ct.observer import laguerre_gauss
        >>> channels = laguerre_gauss(size=9, n_channels=2, width_px=4.0)
        >>> absent = torch.randn(40, 9, 9, generator=torch.Generator().manual_seed(0))
        >>> pair = (absent + channels[0], absent)
        >>> options = {"channels": channels, "n_learn": 30, "n_resamples": 3}
        >>> retrained_changes(pair, pair, rng=np.random.default_rng(0), **options).tolist()
        [0.0, 0.0, 0.0]

    Source: Efron and Tibshirani (1993), doi:10.1201/9780429246593.
    """
    left = min(len(images) for pair in (first, second) for images in pair) - n_learn
    if left < 2 or n_learn < 1:
        raise ValueError(
            f"n_learn = {n_learn} leaves {left} scans of a kind to be scored; an AUC needs two"
        )
    if n_resamples < 1:
        raise ValueError(f"n_resamples = {n_resamples}: train at least once")
    changes = []
    for _ in range(n_resamples):
        learn = torch.from_numpy(rng.integers(n_learn, size=n_learn))
        areas = []
        for present, absent in (first, second):
            observer = train_observer(present[learn], absent[learn], channels=channels)
            scores = observer.score(present[n_learn:]), observer.score(absent[n_learn:])
            areas.append(auc(*scores).value)
        changes.append(areas[0] - areas[1])
    return np.array(changes)
