"""Arms of a recorded trial, compared seed by seed: what all arms of a seed share drops out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from medlib.experiment.trials import Trial

__all__ = ["ENDS", "auc_by_seed", "gain_by_seed", "rank_by_seed"]

#: After how much training an arm was measured -> how its results' names end.
ENDS = {"demo": "_demo", "tuned": "_tuned", "longer": "_longer", "end": ""}


def auc_by_seed(
    trial: Trial, arm: str, *, end: str = "end", **cell: Any
) -> Float[np.ndarray, " seeds"]:
    """Return the test AUC of one arm in one cell of the trial, a value a seed.

    Args:
        trial: its results are called ``auc_<arm>``, with what `ENDS` adds.
        arm: such as "graded"; "frozen" takes no steps and is the same at every end.
        end: "demo", "tuned" (the length of the tuning), "longer", or "end" (of these two the one
            that validates better).
        cell: the swept parameters but the seed, each at one value.

    Raises:
        ValueError: no such end, or what `Trial.array` refuses.
    """
    if end not in ENDS:
        raise ValueError(f"end={end!r}; choose {', '.join(ENDS)}")
    return trial.array(f"auc_{arm}{'' if arm == 'frozen' else ENDS[end]}", **cell)


def gain_by_seed(
    trial: Trial, new: str, old: str, *, cells: Iterable[Mapping[str, Any]], end: str = "end"
) -> Float[np.ndarray, " seeds"]:
    """Return the AUC of one arm minus that of another, in the mean over cells, a value a seed.

    Cells of one seed may share images, and are no units of their own: the mean over them is taken
    first, and the seed stays the unit.

    Args:
        trial, end: as in `auc_by_seed`.
        new, old: the arms.
        cells: one or more.

    Raises:
        ValueError: no cell, or what `auc_by_seed` raises.
    """
    differences = [
        auc_by_seed(trial, new, end=end, **cell) - auc_by_seed(trial, old, end=end, **cell)
        for cell in cells
    ]
    if not differences:
        raise ValueError("no cell: the mean of nothing is undefined")
    return np.mean(differences, axis=0)


def rank_by_seed(
    x: Float[np.ndarray, "arms seeds"], y: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, " seeds"]:
    """Return, for each seed, Spearman's rank correlation of two measurements over the arms.

    NaN for a seed in which one of the two is the same for every arm: it ranks nothing.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> moved = np.array([[0.0, 1.0, 5.0], [1.0, 2.0, 5.0], [2.0, 0.0, 5.0]])
        >>> rank_by_seed(moved, -moved).round(6)
        array([-1., -1., nan])
    """
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"shapes {x.shape} and {y.shape}; expected two times (arms, seeds)")
    found = [
        spearmanr(a, b).statistic if np.ptp(a) > 0 and np.ptp(b) > 0 else np.nan
        for a, b in zip(x.T, y.T, strict=True)
    ]
    return np.array(found, dtype=float)
