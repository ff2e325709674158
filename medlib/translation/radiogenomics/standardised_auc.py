"""The AUC at a hospital without a link, from hospitals with one: by standardisation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from medlib.translation.radiogenomics.balanced_auc import cell_weights
from medlib.translation.radiogenomics.weighted_auc import weighted_auc

__all__ = ["standardised_auc"]

_ROUNDS, _TOLERANCE = 50, 1e-9


def standardised_auc(
    scores: Float[np.ndarray, " n"],
    site: Int[np.ndarray, " sites"],
    response: Int[np.ndarray, " responses"],
    *,
    precision: float = 0.01,
) -> float:
    r"""What the AUC would be where the hospital does not act on the response.

    The rule for *hospital → response* with biology that does not go with the hospital. Take each
    hospital's mean from the score, $\tilde f = f - \bar f_s$; fit
    $\operatorname{logit} P(y = 1) = a \tilde f + u_s$; and weigh each patient by

    $$ w = \frac{P(y \mid a \tilde f + \bar u)}{P(y \mid a \tilde f + u_s)} , $$

    with $\bar u$ the mean of the hospitals' numbers: a response that the hospital made likely
    counts less. The AUC is of f itself under these weights, so that a score which also reads the
    hospital, in whichever direction, has a lower one. The balanced AUC does not do that here: the
    response is a collider, patients who respond at the poor hospital have better biology, and a
    score that reads some of the hospital in addition makes up for it.

    It presupposes what it cannot check: that biology is alike at the hospitals, and log-odds add.

    Args:
        scores: f, higher = response.
        site: the hospital, any whole numbers.
        response: 0 or 1.
        precision: of a normal prior on a (per SD of the centred score) and u, > 0; hardly a prior.

    Raises:
        ValueError: lengths differ, a score is not finite, or a hospital lacks one of the responses.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> z, site, luck = rng.normal(size=4000), rng.integers(2, size=4000), rng.random(4000)
        >>> response = (luck < expit(1.5 * z + 2 * (2 * site - 1))).astype(int)
        >>> same = (luck < expit(1.5 * z)).astype(int)  # the same patients without a link
        >>> found = standardised_auc(z, site, response)
        >>> bool(abs(found - weighted_auc(z, same, weights=np.ones(4000))) < 0.02)
        True

    Source: standardisation by inverse probability weights: Robins, Hernán and Brumback (2000),
    doi:10.1097/00001648-200009000-00011.
    """
    scores = np.asarray(scores, float)
    cell_weights(site, response)  # refuses a hospital that lacks a response
    if scores.shape != np.shape(site) or not np.isfinite(scores).all():
        raise ValueError(f"scores of shape {scores.shape}: one finite number a patient")
    places, at = np.unique(site, return_inverse=True)
    means = np.bincount(at, weights=scores) / np.bincount(at)
    centred = scores - means[at]
    centred = centred / max(centred.std(), 1e-12)
    columns = np.c_[np.eye(len(places))[at], centred]
    fitted = _fit(columns, response, precision)
    typical = fitted[-1] * centred + fitted[:-1].mean()
    sign = 2 * np.asarray(response) - 1
    weights = expit(sign * typical) / expit(sign * (columns @ fitted))
    return weighted_auc(scores, response, weights=weights)


def _fit(columns: np.ndarray, response: np.ndarray, precision: float) -> np.ndarray:
    """Mode of a logistic model with a normal prior, by Newton's steps of limited length."""
    effects = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        told = expit(columns @ effects)
        inner = (columns * (told * (1 - told))[:, None]).T @ columns
        inner += precision * np.eye(len(effects))
        move = np.linalg.solve(inner, columns.T @ (response - told) - precision * effects)
        effects = effects + np.clip(move, -2.0, 2.0)
        if np.abs(move).max() < _TOLERANCE:
            break
    return effects
