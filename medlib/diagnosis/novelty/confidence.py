"""What a classifier's own scores say of an image: its largest probability, and its energy."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

__all__ = ["energy_score", "max_softmax_score"]


def max_softmax_score(
    logits: Float[np.ndarray, "n classes"], *, temperature: float = 1.0
) -> Float[np.ndarray, " n"]:
    """log(1 - max_c p_c) with p = softmax(l / T), higher = more unusual.

    It ranks images as -max_c p_c does, the score as it is usually written, and does not tie those
    whose p rounds to 1: a classifier that is sure of all strangers is sure in degrees.

    Args:
        logits: l, the classifier's scores before the softmax.
        temperature: T, above 0.

    Raises:
        ValueError: T is not positive, or there are fewer than two classes.

    Example:
        >>> max_softmax_score(np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])).round(3).tolist()
        [-0.693, -100.0, -200.0]

    Source: Hendrycks and Gimpel (2017), doi:10.48550/arXiv.1610.02136; the temperature: Liang et
    al. (2018), doi:10.48550/arXiv.1706.02690.
    """
    scaled = _scaled(logits, temperature)
    others = np.sort(scaled, axis=1)[:, :-1]
    return logsumexp(others, axis=1) - logsumexp(scaled, axis=1)


def energy_score(
    logits: Float[np.ndarray, "n classes"], *, temperature: float = 1.0
) -> Float[np.ndarray, " n"]:
    """-T log Σ_c exp(l_c / T), higher = more unusual.

    Softmax forgets a constant that is added to all logits; the energy keeps it. A multinomial
    logistic regression that is fitted with a penalty has none to keep: its logits add up to zero.

    Args:
        logits: l, the classifier's scores before the softmax.
        temperature: T, above 0.

    Raises:
        ValueError: T is not positive, or there are fewer than two classes.

    Example:
        >>> energy_score(np.array([[0.0, 0.0], [5.0, 5.0]])).round(3).tolist()
        [-0.693, -5.693]

    Source: Liu et al. (2020), doi:10.48550/arXiv.2010.03759.
    """
    return -temperature * logsumexp(_scaled(logits, temperature), axis=1)


def _scaled(logits: np.ndarray, temperature: float) -> np.ndarray:
    logits = np.asarray(logits, dtype=float)
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"logits of shape {logits.shape}; expected (n, classes), classes >= 2")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be positive")
    return logits / temperature
