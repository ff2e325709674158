"""An intercept for each hospital, drawn from a normal distribution: the statistician's answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

__all__ = ["MixedModel", "fit_mixed_model"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MixedModel:
    """A fit: what features do at any hospital, and what hospitals add.

    Attributes:
        intercept: at a typical hospital.
        effects: of the features, log-odds per unit.
        hospitals: hospital -> what it adds, shrunk towards 0.
        between_sd: τ, of what hospitals add.
    """

    intercept: float
    effects: Float[np.ndarray, " features"]
    hospitals: dict[int, float]
    between_sd: float

    def score(self, features: Float[np.ndarray, "n features"]) -> Float[np.ndarray, " n"]:
        """Log-odds at a hospital of which nothing is known: what hospitals add is 0."""
        return self.intercept + features @ self.effects


def fit_mixed_model(
    features: Float[np.ndarray, "n features"],
    response: Int[np.ndarray, " responses"],
    site: Int[np.ndarray, " sites"],
    *,
    between_sd: float | None = None,
    ridge: float = 1e-3,
    most_sd: float = 3.0,
) -> MixedModel:
    r"""Fit $\operatorname{logit} P(y = 1) = \alpha + x^\top \beta + u_s$, $u_s \sim N(0, \tau^2)$.

    α, β and u are the mode for a given τ, by Newton's steps; τ maximises Laplace's approximation of
    the likelihood of α, β with u integrated out. Two hospitals say next to nothing of τ. A wide τ
    leaves an intercept to each hospital, free; τ = 0 forgets that there are hospitals.

    Args:
        features: one row a patient.
        response: 0 or 1.
        site: the hospital.
        between_sd: τ, if it is not to be estimated; >= 0.
        ridge: precision of a normal prior on β, so that separable features have a fit.
        most_sd: the greatest τ that is considered.

    Raises:
        ValueError: shapes differ, or a number out of range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> site = np.repeat([0, 1], 200)
        >>> x = rng.normal(size=(400, 1))
        >>> response = (rng.random(400) < expit(x[:, 0] + 4 * site - 2)).astype(int)
        >>> fit = fit_mixed_model(x, response, site)
        >>> bool(0.7 < fit.effects[0] < 1.3), bool(fit.hospitals[1] > 1)
        (True, True)

    Source: Breslow and Clayton (1993), doi:10.1080/01621459.1993.10594284.
    """
    features, site = np.asarray(features, float), np.asarray(site)
    if features.ndim != 2 or not len(features) == len(response) == len(site):
        raise ValueError(
            f"features {features.shape}, response {np.shape(response)}, site {site.shape}: one of"
            " each a patient"
        )
    if (between_sd is not None and between_sd < 0) or ridge <= 0 or most_sd <= 0:
        raise ValueError(f"between_sd={between_sd} (>= 0), ridge={ridge} and most_sd={most_sd} > 0")
    places = np.unique(site)
    known = np.c_[np.ones(len(site)), features]
    dummies = (site[:, None] == places).astype(float)
    grid = [between_sd] if between_sd is not None else np.geomspace(0.02, most_sd, 25)
    fits = [(sd, *_mode(known, dummies, response, max(sd, 1e-6), ridge)) for sd in grid]
    sd, at, _ = max(fits, key=lambda one: one[2])
    n = known.shape[1]
    return MixedModel(
        intercept=float(at[0]),
        effects=at[1:n],
        hospitals=dict(zip(places.tolist(), at[n:].tolist(), strict=True)),
        between_sd=float(sd),
    )


def _mode(
    known: np.ndarray, dummies: np.ndarray, response: np.ndarray, sd: float, ridge: float
) -> tuple[np.ndarray, float]:
    """Mode of all effects at this τ, and Laplace's log-likelihood with the hospitals out."""
    columns = np.c_[known, dummies]
    prior = np.r_[0.0, np.full(known.shape[1] - 1, ridge), np.full(dummies.shape[1], sd**-2)]
    at = np.zeros(columns.shape[1])
    at[0] = np.log(response.mean() / (1 - response.mean()))
    value = _posterior(columns, response, prior, at)
    for _ in range(100):
        fitted = expit(columns @ at)
        inner = (columns * (fitted * (1 - fitted))[:, None]).T @ columns + np.diag(prior)
        inner[0, 0] += 1e-10
        move = np.linalg.solve(inner, columns.T @ (response - fitted) - prior * at)
        size = 1.0
        while (new := _posterior(columns, response, prior, at + size * move)) < value - 1e-12:
            size /= 2
            if size < 1e-6:
                break
        at, value = at + size * move, new
        if np.abs(size * move).max() < 1e-9:
            break
    fitted = expit(columns @ at)
    own = (dummies * (fitted * (1 - fitted))[:, None]).T @ dummies + np.eye(
        dummies.shape[1]
    ) / sd**2
    evidence = value - dummies.shape[1] * np.log(sd) - 0.5 * np.linalg.slogdet(own)[1]
    return at, float(evidence)


def _posterior(
    columns: np.ndarray, response: np.ndarray, prior: np.ndarray, at: np.ndarray
) -> float:
    odds = columns @ at
    return float((response * odds - np.logaddexp(0, odds)).sum() - 0.5 * (prior * at**2).sum())
