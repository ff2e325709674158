"""A depth of the network and a strength of the probe, chosen on the tiles to learn from alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.model_selection import StratifiedKFold

from medlib.measures.calibration import log_loss
from medlib.nets.features import fit_head

__all__ = ["Choice", "choose_probe", "cross_fitted"]


class Choice(NamedTuple):
    """What does best on held-out parts: `losses` holds the log loss of each (depth, strength)."""

    depth: str
    strength: float
    losses: dict[tuple[str, float], float]


def cross_fitted(
    features: Float[np.ndarray, "n channels"],
    labels: Int[np.ndarray, " n"],
    *,
    strength: float,
    folds: int = 5,
) -> Float[np.ndarray, " n"]:
    """Return each image's probability of label 1 by a probe that did not learn from it.

    The images are cut into folds with the labels in like shares; each is judged by a probe that
    learned from all others. Where a label is rarer than the folds there are only as many of them.

    Args:
        strength: C of the logistic regression (`features.fit_head`).

    Raises:
        ValueError: fewer than two images of a label.

    Example:
        >>> x, y = np.arange(20.0)[:, None], np.repeat([0, 1], 10)
        >>> bool((cross_fitted(x, y, strength=1.0)[y == 1] > 0.5).mean() > 0.8)
        True
    """
    rarest = np.bincount(labels, minlength=2).min()
    if rarest < 2:
        raise ValueError(f"{rarest} image(s) of a label: two are needed, to learn and to judge")
    found = np.empty(len(labels))
    for learn, judge in StratifiedKFold(min(folds, rarest)).split(features, labels):
        head = fit_head(features[learn], labels[learn], strength=strength)
        found[judge] = head.predict_proba(features[judge])[:, 1]
    return found


def choose_probe(
    features: Mapping[str, Float[np.ndarray, "n _"]],
    labels: Int[np.ndarray, " n"],
    *,
    strengths: Sequence[float],
    folds: int = 5,
) -> Choice:
    """Return the depth and the strength whose cross-fitted probabilities have the least log loss.

    Args:
        features: of the images to learn from, by depth, as `features_by_depth` returns them.
        labels: 0 or 1.
        strengths: C's to try; of equal losses the first is taken.
        folds: as in `cross_fitted`.

    Raises:
        ValueError: as `cross_fitted`.

    Example:
        >>> y = np.repeat([0, 1], 20)
        >>> noise = np.random.default_rng(0).normal(size=(40, 1))
        >>> found = choose_probe({"stem": noise, "head": y[:, None] + noise}, y, strengths=[1.0])
        >>> found.depth
        'head'
    """
    losses = {
        (depth, strength): log_loss(
            cross_fitted(values, labels, strength=strength, folds=folds), labels
        )
        for depth, values in features.items()
        for strength in strengths
    }
    return Choice(*min(losses, key=losses.__getitem__), losses)
