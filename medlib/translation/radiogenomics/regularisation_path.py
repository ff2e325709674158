"""How strong a penalty: a path from no group to many, and cross-validation along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medlib.translation.radiogenomics.group_lasso import GroupLasso, group_lasso, largest_penalty

__all__ = ["Chosen", "choose_penalty", "path"]


def path(
    genes: Float[np.ndarray, "n genes"],
    response: Int[np.ndarray, " n"],
    *,
    groups: Int[np.ndarray, " genes"],
    penalties: Float[np.ndarray, " penalties"],
    free: Float[np.ndarray, "n _"] | None = None,
    tolerance: float = 1e-4,
) -> list[GroupLasso]:
    """Solutions at falling penalties, each from where the one before ended.

    Args:
        genes, response, groups, free: as `group_lasso`.
        penalties: falling.
        tolerance: of the optimum's conditions, as a share of the penalty.

    Raises:
        ValueError: penalties do not fall.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> genes = rng.normal(size=(100, 4))
        >>> response = (genes[:, 0] > 0).astype(int)
        >>> groups = np.array([0, 0, 1, 1])
        >>> found = path(genes, response, groups=groups, penalties=np.array([0.3, 0.1]))
        >>> [fit.found(groups) for fit in found]
        [(), (0,)]
    """
    if (np.diff(penalties) >= 0).any():
        raise ValueError(f"penalties {np.asarray(penalties).tolist()} must fall")
    fits: list[GroupLasso] = []
    for penalty in penalties:
        fits.append(
            group_lasso(
                genes, response, groups=groups, penalty=float(penalty), free=free,
                start=fits[-1] if fits else None, tolerance=tolerance,
            )
        )  # fmt: skip
    return fits


@dataclass(frozen=True, eq=False, kw_only=True)
class Chosen:
    """Cross-validation along a path.

    Attributes:
        penalties: falling.
        loss: mean logistic loss of patients that were left out, of each penalty.
        error: its standard error, over patients.
        least: the fit at the penalty of the least loss, on all patients.
        one_error: the fit at the greatest penalty whose loss is within one standard error of it.
        at_edge: the least loss lies at the end of the path: it was not long enough.
    """

    penalties: Float[np.ndarray, " penalties"]
    loss: Float[np.ndarray, " penalties"]
    error: Float[np.ndarray, " penalties"]
    least: GroupLasso
    one_error: GroupLasso
    at_edge: bool


def choose_penalty(
    genes: Float[np.ndarray, "n genes"],
    response: Int[np.ndarray, " n"],
    *,
    groups: Int[np.ndarray, " genes"],
    rng: np.random.Generator,
    free: Float[np.ndarray, "n _"] | None = None,
    folds: int = 5,
    count: int = 16,
    reach: float = 0.1,
) -> Chosen:
    """Cross-validate a path of penalties, and fit all patients at the two usual choices.

    Args:
        genes, response, groups, free: as `group_lasso`.
        rng: deals patients to folds, responders and others apart.
        folds: how many, >= 2.
        count: penalties, evenly on a logarithmic scale.
        reach: the smallest penalty as a share of the largest, at which no group is taken.

    Raises:
        ValueError: fewer than two folds or penalties, or a reach outside (0, 1).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> genes = rng.normal(size=(100, 4))
        >>> response = (genes[:, 0] + rng.normal(size=100) > 0).astype(int)
        >>> chosen = choose_penalty(genes, response, groups=np.array([0, 0, 1, 1]), rng=rng)
        >>> 0 in chosen.one_error.found(np.array([0, 0, 1, 1]))
        True

    Source: one standard error: Hastie, Tibshirani, Friedman (2009), doi:10.1007/978-0-387-84858-7.
    """
    if folds < 2 or count < 2 or not 0 < reach < 1:
        raise ValueError(f"folds={folds} (>= 2), count={count} (>= 2), reach={reach} (0..1)")
    top = largest_penalty(genes, response, groups=groups, free=free)
    penalties = top * np.geomspace(1, reach, count)
    fold = np.empty(len(response), dtype=int)
    for value in (0, 1):
        own = rng.permutation(np.flatnonzero(response == value))
        fold[own] = np.arange(len(own)) % folds
    losses = np.empty((count, len(response)))
    for k in range(folds):
        inside, out = fold != k, fold == k
        fits = path(
            genes[inside], response[inside], groups=groups, penalties=penalties,
            free=None if free is None else free[inside],
        )  # fmt: skip
        for i, fit in enumerate(fits):
            odds = fit.score(genes[out], free=None if free is None else free[out])
            losses[i, out] = np.logaddexp(0, odds) - response[out] * odds
    loss, error = losses.mean(axis=1), losses.std(axis=1, ddof=1) / np.sqrt(len(response))
    best = int(np.argmin(loss))
    first = int(np.argmax(loss <= loss[best] + error[best]))
    fits = path(genes, response, groups=groups, penalties=penalties[: best + 1], free=free)
    return Chosen(
        penalties=penalties, loss=loss, error=error, least=fits[best], one_error=fits[first],
        at_edge=best == count - 1,
    )  # fmt: skip
