"""A linear probe whose shrinkage is chosen on validation images: equal care for every depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medlib.nets.features import fit_head
from medlib.translation.seeing.linear_probe import check_labels, reached

__all__ = ["STRENGTHS", "TunedProbe", "tuned_probe"]

#: What C is tried, from features that hardly count to features that are hardly held back.
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class TunedProbe:
    """What the probe that did best on validation images reached on test images.

    Args:
        auc: area under the test images' ROC curve; 0.5 = guessing.
        validation_auc: of the images that C was chosen by: the best of several, so too high.
        strength: C that was chosen.
    """

    auc: float
    validation_auc: float
    strength: float


def tuned_probe(
    train: tuple[Float[np.ndarray, "n channels"], Int[np.ndarray, " n"]],
    validation: tuple[Float[np.ndarray, "k channels"], Int[np.ndarray, " k"]],
    test: tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]],
    *,
    strengths: Sequence[float] = STRENGTHS,
) -> TunedProbe:
    """Choose C = argmax AUC(validation) of `probe`, the smallest of equals, and ask the test once.

    Args:
        train, validation, test: features of one depth and labels; every label occurs in all.
        strengths: what is tried as C, in ascending order.

    Raises:
        ValueError: nothing to try, or a label that is missing in one of the three.

    Example:
        >>> x, y = np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1])
        >>> tuned_probe((x, y), (x, y), (x, y), strengths=[0.1, 1.0])
        TunedProbe(auc=1.0, validation_auc=1.0, strength=0.1)

    Source: Alain and Bengio (2017), doi:10.48550/arXiv.1610.01644.
    """
    if not strengths:
        raise ValueError("strengths is empty; give at least one C to try")
    for part in (validation, test):
        check_labels(train[1], part[1])
    heads = [fit_head(*train, strength=strength) for strength in strengths]
    scores = [reached(head, validation).auc for head in heads]
    best = int(np.argmax(scores))
    auc = reached(heads[best], test).auc
    return TunedProbe(auc=auc, validation_auc=scores[best], strength=strengths[best])
