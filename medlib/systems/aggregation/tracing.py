"""Is a patient's record in the sum? The same question, asked by one who knows how records spread.

`membership.alignment_scores` takes all directions of a gradient for equal. Gradients of patients
are not spread evenly: along a direction in which all of them vary, an overlap says little. Whoever
has gradients of other patients can divide that out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

__all__ = ["tracing_scores"]


def tracing_scores(
    total: Float[np.ndarray, " values"],
    gradients: Float[np.ndarray, "records parameters"],
    *,
    summed: int,
    reference: Float[np.ndarray, "others parameters"],
    ridge: float = 1e-3,
) -> Float[np.ndarray, " records"]:
    """How far a sum of gradients leans to each record, in units of how gradients vary.

        score_i = (g_i - μ)ᵀ Σ⁻¹ (s - m μ) / sqrt((g_i - μ)ᵀ Σ⁻¹ (g_i - μ))

    with s the sum of m records' gradients, μ and Σ mean and covariance of the reference. For
    records that are not in the sum it has mean zero and variance m in any direction, nearly so
    where the reference is much larger than m and than the number of parameters.

    Args:
        total: s.
        gradients: g_i, of the records that are asked about.
        summed: m, how many records are in the sum.
        reference: gradients of other patients of the same kind; two or more.
        ridge: added to Σ, in parts of its mean diagonal: it makes Σ invertible.

    Returns:
        Scores; higher = more likely in the sum.

    Raises:
        ValueError: lengths that differ, fewer than two reference records, no record in the sum, or
            a ridge that is not positive.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> people = rng.normal(size=(300, 50)) * np.linspace(1, 5, 50)
        >>> scores = tracing_scores(people[:10].sum(axis=0), people[:20], summed=10,
        ...                         reference=people[100:])
        >>> bool(scores[:10].mean() > scores[10:].mean() + 2)
        True

    Source: after Dwork et al. 2015, doi:10.1109/FOCS.2015.46; on gradients and with Σ it is ours.
    """
    if not total.shape == gradients.shape[1:] == reference.shape[1:]:
        raise ValueError(
            f"a sum of {len(total)}, gradients of {gradients.shape[1]} and a reference of "
            f"{reference.shape[1]} parameters; all are of the same model"
        )
    if len(reference) < 2 or summed < 1 or ridge <= 0:
        raise ValueError(
            f"{len(reference)} reference records, {summed} in the sum, ridge {ridge}; at least "
            "two, one, and above 0"
        )
    middle = reference.mean(axis=0)
    spread = np.cov(reference.T).reshape(len(total), len(total))
    spread = spread + ridge * max(np.trace(spread) / len(total), 1e-300) * np.eye(len(total))
    factor = cho_factor(spread)
    apart = gradients - middle
    lengths = np.sqrt(np.einsum("ij,ji->i", apart, cho_solve(factor, apart.T)))
    return apart @ cho_solve(factor, total - summed * middle) / np.maximum(lengths, 1e-300)
