"""ComBat: hospital means and spreads, borrowed across features by empirical Bayes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = ["ComBat", "fit_combat"]

_ROUNDS, _TOLERANCE = 500, 1e-8


@dataclass(frozen=True, eq=False, kw_only=True)
class ComBat:
    """What was learned of hospitals; call it to harmonise patients of these hospitals.

    Attributes:
        grand_mean, sd: of each feature, over all, with hospitals taken out.
        kept: effects of the covariates that are to be kept (covariates, features).
        shift, scale: hospital -> additive γ* and multiplicative δ*², by empirical Bayes.
    """

    grand_mean: Float[np.ndarray, " features"]
    sd: Float[np.ndarray, " features"]
    kept: Float[np.ndarray, "covariates features"]
    shift: dict[int, Float[np.ndarray, " features"]]
    scale: dict[int, Float[np.ndarray, " features"]]

    def __call__(
        self,
        features: Float[np.ndarray, "n features"],
        site: Int[np.ndarray, " n"],
        *,
        keep: Float[np.ndarray, "n covariates"] | None = None,
    ) -> Float[np.ndarray, "n features"]:
        """Harmonised features.

        Raises:
            ValueError: a hospital that was not there at the fit, or other covariates than there.
        """
        if unknown := sorted(set(np.unique(site).tolist()) - set(self.shift)):
            raise ValueError(f"hospital {unknown[0]} was not there at the fit")
        expected = self.grand_mean + _covariates(keep, len(features)) @ self.kept
        standard = (features - expected) / self.sd
        harmonised = np.empty(features.shape)
        for place, shift in self.shift.items():
            own = site == place
            harmonised[own] = (standard[own] - shift) / np.sqrt(self.scale[place])
        return harmonised * self.sd + expected


def fit_combat(
    features: Float[np.ndarray, "n features"],
    site: Int[np.ndarray, " n"],
    *,
    keep: Float[np.ndarray, "n covariates"] | None = None,
) -> ComBat:
    r"""Fit $f_{ij} = \alpha_j + X_i \beta_j + \gamma_{sj} + \delta_{sj} \varepsilon_{ij}$.

    γ and δ² of one hospital are shrunk towards what they are over its features: γ normal, δ²
    inverse gamma, both by their moments, in turns until they rest. Where shifts differ between
    features by much more than their errors, there is little to borrow, and it comes near to
    standardising by hospital; where they are alike, each is drawn towards their mean, and a little
    of it stays. It was made for thousands of genes and few patients.

    What goes into `keep` is not taken away. The response must not go in where it is to be
    predicted: it is not known for a new patient, and the link that it brings along is kept, too.

    Args:
        features: one row a patient, two features at least.
        site: the hospital, two patients or more of each.
        keep: covariates whose effects stay, one row a patient.

    Raises:
        ValueError: shapes differ, one hospital or one feature alone, a constant feature, or a
            hospital with one patient.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> site = np.repeat([0, 1], 50)
        >>> features = rng.normal(size=(100, 5)) + 3 * site[:, None]
        >>> harmonised = fit_combat(features, site)(features, site)
        >>> apart = harmonised[50:].mean(axis=0) - harmonised[:50].mean(axis=0)
        >>> bool(abs(apart).max() < 0.2)  # of 3; a difference of two means of 50 has an SD of 0.2
        True

    Source: Johnson, Li and Rabinovic (2007), doi:10.1093/biostatistics/kxj037.
    """
    features, site = np.asarray(features, float), np.asarray(site)
    if features.ndim != 2 or site.shape != features.shape[:1] or features.shape[1] < 2:
        raise ValueError(
            f"features {features.shape}, site {site.shape}: one row and one hospital a patient,"
            " two features at least, for what is learned is shared among them"
        )
    places, counts = np.unique(site, return_counts=True)
    if len(places) < 2 or counts.min() < 2:
        raise ValueError(f"{len(places)} hospitals with {counts.tolist()} patients: two of two")
    covariates = _covariates(keep, len(features))
    dummies = (site[:, None] == places).astype(float)
    design = np.concatenate([dummies, covariates], axis=1)
    effects = np.linalg.lstsq(design, features, rcond=None)[0]
    at_sites, kept = effects[: len(places)], effects[len(places) :]
    grand = counts / counts.sum() @ at_sites
    sd = np.sqrt(np.square(features - design @ effects).mean(axis=0))
    if (sd < 1e-12).any():
        raise ValueError(f"feature {int(np.argmin(sd))} does not vary within hospitals")
    standard = (features - grand - covariates @ kept) / sd
    shift, scale = {}, {}
    for place in places.tolist():
        shift[place], scale[place] = _shrunk(standard[site == place])
    return ComBat(grand_mean=grand, sd=sd, kept=kept, shift=shift, scale=scale)


def _covariates(keep: np.ndarray | None, n: int) -> np.ndarray:
    if keep is None:
        return np.empty((n, 0))
    keep = np.asarray(keep, float)
    if keep.ndim != 2 or len(keep) != n:
        raise ValueError(f"keep is {keep.shape}; it has one row for each of {n} patients")
    return keep


def _shrunk(own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """γ* and δ*² of one hospital: posterior means under priors fitted over its features."""
    n = len(own)
    raw_shift, raw_scale = own.mean(axis=0), own.var(axis=0, ddof=1)
    middle, spread = raw_shift.mean(), raw_shift.var(ddof=1)
    m, v = raw_scale.mean(), raw_scale.var(ddof=1)
    shape, rate = (2 * v + m**2) / v, (m * v + m**3) / v
    shift, scale = raw_shift, raw_scale
    for _ in range(_ROUNDS):
        new_shift = (n * spread * raw_shift + scale * middle) / (n * spread + scale)
        squares = np.square(own - new_shift).sum(axis=0)
        new_scale = (0.5 * squares + rate) / (n / 2 + shape - 1)
        moved = max(
            np.abs((new_shift - shift) / np.maximum(np.abs(shift), 1e-12)).max(),
            np.abs((new_scale - scale) / scale).max(),
        )
        shift, scale = new_shift, new_scale
        if moved < _TOLERANCE:
            break
    return shift, scale
