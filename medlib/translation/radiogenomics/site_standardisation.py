"""Features of each hospital brought to one mean and spread: the plainest harmonisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = ["SiteScaling", "fit_site_scaling"]

_LEAST_SD = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class SiteScaling:
    """Mean and SD of each feature at each hospital, and over all.

    Attributes:
        means, sds: hospital -> (features,).
        mean, sd: of all patients, each hospital's SD pooled: where every hospital is brought to.
    """

    means: dict[int, Float[np.ndarray, " features"]]
    sds: dict[int, Float[np.ndarray, " features"]]
    mean: Float[np.ndarray, " features"]
    sd: Float[np.ndarray, " features"]

    def __call__(
        self, features: Float[np.ndarray, "n features"], site: Int[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n features"]:
        """Features as if all hospitals had one mean and spread.

        Raises:
            ValueError: a hospital that was not there at the fit: its mean is not known.
        """
        if unknown := sorted(set(np.unique(site).tolist()) - set(self.means)):
            raise ValueError(
                f"hospital {unknown[0]} was not there at the fit; scale it by patients of its own"
            )
        scaled = np.empty(features.shape)
        for place, mean in self.means.items():
            own = site == place
            scaled[own] = (features[own] - mean) / self.sds[place] * self.sd + self.mean
        return scaled


def fit_site_scaling(
    features: Float[np.ndarray, "n features"], site: Int[np.ndarray, " sites"]
) -> SiteScaling:
    r"""Learn $f' = (f - \mu_s) / \sigma_s \cdot \sigma + \mu$, feature by feature.

    It takes away every difference of mean and spread between hospitals, by whatever it was made:
    by scanners, and also by patients who differ.

    Args:
        features: one row a patient.
        site: the hospital.

    Raises:
        ValueError: shapes differ, or a hospital has fewer than two patients.

    Example:
        >>> features, site = np.array([[0.0], [2.0], [10.0], [14.0]]), np.array([0, 0, 1, 1])
        >>> scaled = fit_site_scaling(features, site)(features, site)[:, 0]
        >>> bool(abs(scaled[:2].mean() - scaled[2:].mean()) < 1e-12)
        True
    """
    features, site = np.asarray(features, float), np.asarray(site)
    if features.ndim != 2 or site.shape != features.shape[:1]:
        raise ValueError(f"features {features.shape}, site {site.shape}: one row, one hospital")
    places = np.unique(site).tolist()
    counts = {place: int((site == place).sum()) for place in places}
    if least := [place for place, n in counts.items() if n < 2]:
        raise ValueError(f"hospital {least[0]} has one patient: a spread needs two or more")
    means = {place: features[site == place].mean(axis=0) for place in places}
    sds = {
        place: np.maximum(features[site == place].std(axis=0, ddof=1), _LEAST_SD)
        for place in places
    }
    pooled = sum((counts[place] - 1) * sds[place] ** 2 for place in places)
    sd = np.sqrt(pooled / (len(site) - len(places)))
    return SiteScaling(means=means, sds=sds, mean=features.mean(axis=0), sd=sd)
