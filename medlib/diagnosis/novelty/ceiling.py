"""How much a straight line shows: a classifier that was *taught* the outliers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from sklearn.model_selection import StratifiedKFold

from medlib.measures.auc import Auc, auc
from medlib.nets.features import fit_head

__all__ = ["supervised_auc"]


def supervised_auc(
    outliers: Float[np.ndarray, "n d"],
    known: Float[np.ndarray, "m d"],
    *,
    rng: np.random.Generator,
    folds: int = 4,
    strength: float = 1e-2,
) -> Auc:
    """The AUC of a logistic regression that learned outliers against known images, cross-validated.

    No gate could have it, for nobody has the strangers of tomorrow. It says how much of them these
    features show to a linear eye. It is no ceiling: a score may exceed it where strangers lie
    between classes, for no straight line cuts out a band.

    Args:
        outliers: features.
        known: features.
        rng: deals images into folds.
        folds: parts, each judged by what was learned from the others.
        strength: C of the regression, on standardised features; smaller = more shrinkage.

    Raises:
        ValueError: fewer images of either sort than folds.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = supervised_auc(rng.normal(2, 1, (40, 3)), rng.normal(size=(80, 3)), rng=rng)
        >>> found.value > 0.9
        True
    """
    if min(len(outliers), len(known)) < folds:
        raise ValueError(
            f"{len(outliers)} outliers and {len(known)} known images: {folds} at least"
        )
    features = np.concatenate([outliers, known])
    truth = np.repeat([1, 0], [len(outliers), len(known)])
    deal = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    scores = np.empty(len(truth))
    for learn, judge in deal.split(features, truth):
        head = fit_head(features[learn], truth[learn], strength=strength)
        scores[judge] = head.decision_function(features[judge])
    return auc(scores[truth == 1], scores[truth == 0])
