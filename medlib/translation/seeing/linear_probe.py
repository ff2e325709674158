"""Linear probes: how well a straight cut through one depth's features answers a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import roc_auc_score

from medlib.nets.features import fit_head

__all__ = ["Probe", "check_labels", "probe", "reached"]


@dataclass(frozen=True)
class Probe:
    """What one probe reached on test images.

    Args:
        auc: area under the ROC curve; for more than two labels the mean over labels of one
            against the rest. 0.5 = guessing.
        accuracy: share of test images given the right label.
    """

    auc: float
    accuracy: float


def probe(
    train: tuple[Float[np.ndarray, "n channels"], Int[np.ndarray, " n"]],
    test: tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]],
    *,
    strength: float = 1e-2,
) -> Probe:
    """Fit a logistic regression on one depth's features and measure it on test images.

    Args:
        train, test: features and labels 0, 1, ...; every label occurs in both.
        strength: as in `fit_head`.

    Raises:
        ValueError: a label that occurs on one side only.

    Example:
        >>> x, y = np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1])
        >>> probe((x, y), (x, y), strength=1.0)
        Probe(auc=1.0, accuracy=1.0)

    Source: Alain and Bengio (2017), doi:10.48550/arXiv.1610.01644.
    """
    check_labels(train[1], test[1])
    return reached(fit_head(*train, strength=strength), test)


def reached(
    head: Any, test: tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]]
) -> Probe:
    """Measure a head that `fit_head` fitted, on images that have each of its labels."""
    guess = head.predict_proba(test[0])
    if guess.shape[1] == 2:
        auc = roc_auc_score(test[1], guess[:, 1])
    else:
        auc = roc_auc_score(test[1], guess, multi_class="ovr")
    return Probe(auc=float(auc), accuracy=float(head.score(test[0], test[1])))


def check_labels(train: Int[np.ndarray, " n"], test: Int[np.ndarray, " m"]) -> None:
    """Refuse labels that occur on one side only, or fewer than two."""
    labels = [np.unique(part).tolist() for part in (train, test)]
    if labels[0] != labels[1] or len(labels[0]) < 2:
        raise ValueError(f"labels are {labels[0]} in training, {labels[1]} in the test")
