"""A test for each pathway, and which of them to believe when there are many."""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float, Int
from scipy.special import expit

from medlib.translation.radiogenomics.plain_logistic import plain_logistic

__all__ = ["found_pathways", "score_tests"]


def score_tests(
    genes: Float[np.ndarray, "n genes"],
    response: Int[np.ndarray, " n"],
    *,
    groups: Int[np.ndarray, " groups_of_genes"],
    free: Float[np.ndarray, "n _"] | None = None,
) -> Float[np.ndarray, " groups"]:
    r"""p-value of each group: do its genes together tell more of the response than `free` does?

    Rao's score test. Fit the response on intercept and free columns Z only; with fitted
    probabilities $\hat p$ and $W = \operatorname{diag} \hat p (1 - \hat p)$ the genes $G$ of a
    group have

    $$ U = G^\top (y - \hat p), \qquad
       V = G^\top W G - G^\top W Z (Z^\top W Z)^{-1} Z^\top W G, \qquad U^\top V^{-1} U \sim \chi^2
    $$

    with as many degrees of freedom as genes, if none of them matters. It tests a pathway by itself:
    a pathway that goes with another that matters is found, too.

    Args:
        genes: one row a patient.
        response: 0 or 1.
        groups: which group each gene is in, 0, 1, ...
        free: columns that are known to matter, such as the hospital; one row a patient.

    Raises:
        ValueError: shapes differ, or a group has more genes than patients can tell apart.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> genes = rng.normal(size=(300, 4))
        >>> response = (genes[:, 0] + rng.normal(size=300) > 0).astype(int)
        >>> p = score_tests(genes, response, groups=np.array([0, 0, 1, 1]))
        >>> bool(p[0] < 1e-9), bool(p[1] > 0.01)
        (True, True)

    Source: Rao (1948), doi:10.1017/S0305004100023987.
    """
    if genes.ndim != 2 or response.shape != genes.shape[:1] or groups.shape != genes.shape[1:]:
        raise ValueError(
            f"genes {genes.shape}, response {response.shape}, groups {groups.shape}: one row and"
            " one response a patient, one group a gene"
        )
    known = np.ones((len(genes), 1)) if free is None else np.c_[np.ones(len(genes)), free]
    fitted = expit(known @ plain_logistic(known, response))
    weight = fitted * (1 - fitted)
    p_values = np.empty(groups.max() + 1)
    for k in range(len(p_values)):
        own = genes[:, groups == k]
        score = own.T @ (response - fitted)
        across = own.T @ (weight[:, None] * known)
        inner = known.T @ (weight[:, None] * known)
        spread = own.T @ (weight[:, None] * own) - across @ np.linalg.solve(inner, across.T)
        if np.linalg.matrix_rank(spread) < own.shape[1]:
            raise ValueError(f"group {k}: {own.shape[1]} genes that {len(genes)} patients cannot"
                             " tell apart")  # fmt: skip
        p_values[k] = scipy.stats.chi2.sf(score @ np.linalg.solve(spread, score), own.shape[1])
    return p_values


def found_pathways(p_values: Float[np.ndarray, " groups"], *, level: float) -> tuple[int, ...]:
    """Groups found by Benjamini and Hochberg's rule at a level of false discoveries.

    What is controlled is the *expected share of false ones among the found*, over repetitions of
    the study, at `level` times the share of groups that do not matter, if tests are independent. It
    is no promise about one list, and none about each pathway.

    Args:
        p_values: of each group.
        level: between 0 and 1.

    Raises:
        ValueError: a level outside (0, 1), or a p-value outside 0..1.

    Example:
        >>> found_pathways(np.array([0.001, 0.8, 0.04, 0.5]), level=0.1)
        (0, 2)

    Source: Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    p_values = np.asarray(p_values, float)
    if not 0 < level < 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"level={level} lies between 0 and 1, p-values in 0..1")
    adjusted = scipy.stats.false_discovery_control(p_values, method="bh")
    return tuple(np.flatnonzero(adjusted <= level).tolist())
