"""Logistic regression that takes whole pathways or none: group lasso by proximal steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from medlib.translation.radiogenomics.plain_logistic import plain_logistic

__all__ = ["GroupLasso", "group_lasso", "largest_penalty", "shrink_groups"]


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupLasso:
    """A solution, and how far it is from being one.

    Attributes:
        effects: of the genes, many of them exactly 0.
        free: of the intercept, and then of each column that is not penalised.
        violation: of the conditions of an optimum, as a share of the penalty; 0 at the optimum.
        iterations: proximal steps that were made.
    """

    effects: Float[np.ndarray, " genes"]
    free: Float[np.ndarray, " columns"]
    violation: float
    iterations: int

    def found(self, groups: Int[np.ndarray, " genes"]) -> tuple[int, ...]:
        """Groups with an effect that is not 0."""
        return tuple(np.unique(groups[self.effects != 0]).tolist())

    def score(
        self, genes: Float[np.ndarray, "n genes"], *, free: Float[np.ndarray, "n _"] | None = None
    ) -> Float[np.ndarray, " n"]:
        """Log-odds of patients; without `free`, those columns count as 0."""
        known = 0.0 if free is None else free @ self.free[1:]
        return self.free[0] + known + genes @ self.effects


def shrink_groups(
    effects: Float[np.ndarray, " genes"],
    *,
    groups: Int[np.ndarray, " genes"],
    amount: float,
) -> Float[np.ndarray, " genes"]:
    r"""The proximal step: each group is shortened, and those that are short become 0 altogether.

    $$ \beta_k \leftarrow \left( 1 - \frac{t \sqrt{p_k}}{\lVert \beta_k \rVert} \right)_+ \beta_k,$$

    the minimum over b of $\frac12 \lVert b - \beta \rVert^2 + t \sum_k \sqrt{p_k} \lVert b_k
    \rVert$. With one gene in each group it is the soft threshold of the lasso.

    Args:
        effects: β.
        groups: which group each gene is in: 0, 1, ..., none left out.
        amount: t, >= 0.

    Raises:
        ValueError: groups that are no numbers from 0 on, or a negative amount.

    Example:
        >>> shrink_groups(np.array([3.0, 4.0, 0.1]), groups=np.array([0, 0, 1]), amount=1.0)
        array([2.15147186, 2.86862915, 0.        ])

    Source: Yuan and Lin (2006), doi:10.1111/j.1467-9868.2005.00532.x.
    """
    sizes = _sizes(groups, len(effects))
    if amount < 0:
        raise ValueError(f"amount is {amount}; it must be at least 0")
    return _shrunk(effects, groups, amount * np.sqrt(sizes))


def largest_penalty(
    genes: Float[np.ndarray, "n genes"],
    response: Int[np.ndarray, " n"],
    *,
    groups: Int[np.ndarray, " genes"],
    free: Float[np.ndarray, "n _"] | None = None,
) -> float:
    """The smallest penalty at which no group is taken.

    At β = 0 with the free columns fitted, it is the greatest of |gradient of group k| / √p_k.

    Args:
        genes, response, groups, free: as `group_lasso`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> genes, response = rng.normal(size=(50, 4)), rng.integers(2, size=50)
        >>> groups = np.array([0, 0, 1, 1])
        >>> most = largest_penalty(genes, response, groups=groups)
        >>> group_lasso(genes, response, groups=groups, penalty=1.001 * most).found(groups)
        ()
    """
    sizes = _sizes(groups, genes.shape[1])
    columns = _design(genes, response, free)
    known = columns[:, : columns.shape[1] - genes.shape[1]]
    odds = known @ plain_logistic(known, response)
    lengths = _lengths(_gradient(genes, response, odds), groups)
    return float((lengths / np.sqrt(sizes)).max())


def group_lasso(
    genes: Float[np.ndarray, "n genes"],
    response: Int[np.ndarray, " responses"],
    *,
    groups: Int[np.ndarray, " genes"],
    penalty: float,
    free: Float[np.ndarray, "rows _"] | None = None,
    start: GroupLasso | None = None,
    tolerance: float = 1e-6,
    most: int = 20000,
) -> GroupLasso:
    r"""Minimise the mean logistic loss plus $\lambda \sum_k \sqrt{p_k} \lVert \beta_k \rVert$.

    By proximal steps with momentum (FISTA) that is dropped whenever it points uphill, on all
    patients at once: steps on batches would leave no group at exactly 0. It stops by the conditions
    of the optimum: the gradient of free columns is 0, that of a taken group is
    $-\lambda \sqrt{p_k} \beta_k / \lVert \beta_k \rVert$, that of the others is no longer than
    $\lambda \sqrt{p_k}$.

    Args:
        genes: one row a patient, columns of about one scale.
        response: 0 or 1.
        groups: which group each gene is in, 0, 1, ...; `np.arange(genes)` makes it the lasso.
        penalty: λ, > 0.
        free: columns that are not penalised, beside the intercept: the hospital, an image's logit.
        start: where to begin, as a solution at a neighbouring penalty.
        tolerance: of the greatest violation, as a share of λ.
        most: proximal steps.

    Raises:
        ValueError: shapes differ, responses are not 0 and 1, or the penalty is not positive.
        RuntimeError: not at the optimum after `most` steps; the message says how far.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> genes = rng.normal(size=(200, 6))
        >>> response = (genes[:, :3].sum(axis=1) > 0).astype(int)
        >>> fit = group_lasso(genes, response, groups=np.repeat([0, 1], 3), penalty=0.1)
        >>> fit.found(np.repeat([0, 1], 3))
        (0,)

    Source: Yuan and Lin (2006), doi:10.1111/j.1467-9868.2005.00532.x; Beck and Teboulle (2009),
    doi:10.1137/080716542; O'Donoghue and Candès (2015), doi:10.1007/s10208-013-9150-3.
    """
    sizes = _sizes(groups, genes.shape[1])
    columns = _design(genes, response, free)
    if not penalty > 0:
        raise ValueError(f"penalty is {penalty}; it must be positive")
    n_free, limits = columns.shape[1] - genes.shape[1], penalty * np.sqrt(sizes)
    step = 4 * len(response) / np.linalg.norm(columns, 2) ** 2
    now = np.zeros(columns.shape[1])
    if start is not None:
        now = np.concatenate([start.free, start.effects])
    ahead, pace = now.copy(), 1.0
    for iteration in range(1, most + 1):
        new = ahead - step * _gradient(columns, response, columns @ ahead)
        new[n_free:] = _shrunk(new[n_free:], groups, step * limits)
        if (ahead - new) @ (new - now) > 0:
            pace = 1.0
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead, now, pace = new + (pace - 1) / faster * (new - now), new, faster
        if iteration % 10 == 0 or iteration == most:
            off = _violation(columns, response, now, groups, limits, n_free) / penalty
            if off <= tolerance:
                return GroupLasso(
                    effects=now[n_free:], free=now[:n_free], violation=off, iterations=iteration
                )
    raise RuntimeError(
        f"after {most} proximal steps the optimum's conditions are off by {off:.2g} of the penalty"
        f" ({tolerance:g} was asked for): scale the columns, or allow more steps"
    )


def _design(genes: np.ndarray, response: np.ndarray, free: np.ndarray | None) -> np.ndarray:
    if genes.ndim != 2 or response.shape != genes.shape[:1]:
        raise ValueError(
            f"genes {genes.shape} and response {response.shape}: one row and one response a patient"
        )
    if sorted(np.unique(response).tolist()) != [0, 1]:
        raise ValueError("responses are 0 and 1, and there must be both")
    known = [] if free is None else [free]
    if known and (free.ndim != 2 or len(free) != len(genes)):
        raise ValueError(f"free is {free.shape}; it has one row for each of {len(genes)} patients")
    return np.concatenate([np.ones((len(genes), 1)), *known, genes], axis=1)


def _sizes(groups: np.ndarray, n_genes: int) -> np.ndarray:
    if groups.shape != (n_genes,) or groups.min() < 0:
        raise ValueError(f"groups of shape {groups.shape}: a number from 0 on for each gene")
    sizes = np.bincount(groups)
    if (sizes == 0).any():
        raise ValueError(f"group {int(np.argmin(sizes))} has no gene; number groups without gaps")
    return sizes


def _gradient(columns: np.ndarray, response: np.ndarray, odds: np.ndarray) -> np.ndarray:
    return columns.T @ (expit(odds) - response) / len(response)


def _lengths(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.sqrt(np.bincount(groups, weights=values**2))


def _shrunk(values: np.ndarray, groups: np.ndarray, limits: np.ndarray) -> np.ndarray:
    lengths = np.maximum(_lengths(values, groups), 1e-300)
    return values * np.maximum(1 - limits / lengths, 0)[groups]


def _violation(
    columns: np.ndarray,
    response: np.ndarray,
    now: np.ndarray,
    groups: np.ndarray,
    limits: np.ndarray,
    n_free: int,
) -> float:
    gradient = _gradient(columns, response, columns @ now)
    effects, own = now[n_free:], gradient[n_free:]
    lengths = _lengths(effects, groups)
    taken = lengths > 0
    pull = own + (limits / np.maximum(lengths, 1e-300))[groups] * effects
    at_taken = _lengths(pull, groups)[taken] / limits[taken] * limits.min()
    beyond = (_lengths(own, groups) - limits)[~taken] / limits[~taken] * limits.min()
    return float(max(np.abs(gradient[:n_free]).max(), *at_taken, *beyond, 0.0))
