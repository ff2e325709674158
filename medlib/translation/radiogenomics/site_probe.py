"""A fresh reader that was not there at the training: can it tell the hospital from the features?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from medlib.measures.auc import Auc
from medlib.measures.rank_auc import rank_auc

__all__ = ["Probe", "probe_site"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the best reader found.

    Attributes:
        auc: of the hospital, on patients that no reader saw, with DeLong's interval.
        reader: which kind was best in cross-validation.
        tried: cross-validated AUC of each reader.
    """

    auc: Auc
    reader: str
    tried: dict[str, float]


def probe_site(
    features: Float[np.ndarray, "n features"],
    site: Int[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    folds: int = 4,
) -> Probe:
    """The hospital from features, by the best of several readers, linear and not.

    One half of the patients teaches and chooses the reader by cross-validation, the other judges it
    once. Give it patients among whom nothing else tells the hospital: where the response goes with
    the hospital, a reader of the response reads the hospital.

    Args:
        features: one row a patient; each is standardised first.
        site: 0 or 1.
        rng: deals patients to the halves and the folds.
        folds: of the cross-validation.

    Raises:
        ValueError: shapes differ, or a hospital with fewer than 4 · folds patients.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> site = np.arange(200) % 2
        >>> ring = rng.normal(size=(200, 2)) * (1 + 4 * site[:, None])  # means alike, spreads not
        >>> probe_site(ring, site, rng=rng).auc.value > 0.8
        True
    """
    features, site = np.asarray(features, float), np.asarray(site)
    if features.ndim != 2 or site.shape != features.shape[:1] or not np.isin(site, (0, 1)).all():
        raise ValueError(f"features {features.shape}, site {site.shape}: one row, a 0 or 1 each")
    if min(np.bincount(site, minlength=2)) < 4 * folds:
        raise ValueError(f"{np.bincount(site, minlength=2).tolist()} patients: {4 * folds} of each")
    teaching = np.zeros(len(site), dtype=bool)
    for value in (0, 1):
        own = rng.permutation(np.flatnonzero(site == value))
        teaching[own[: len(own) // 2]] = True
    seed = int(rng.integers(2**31))
    deal = StratifiedKFold(folds, shuffle=True, random_state=seed)
    readers = _readers(seed, int(teaching.sum()))
    x, y = features[teaching], site[teaching]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tried = {
            name: float(cross_val_score(reader, x, y, cv=deal, scoring="roc_auc").mean())
            for name, reader in readers.items()
        }
    best = max(tried, key=lambda name: tried[name])
    reader = readers[best].fit(x, y)
    says = (
        reader.decision_function(features[~teaching])
        if hasattr(reader, "decision_function")
        else reader.predict_proba(features[~teaching])[:, 1]
    )
    return Probe(auc=rank_auc(says, site[~teaching]), reader=best, tried=tried)


def _readers(seed: int, n: int) -> dict:
    """Readers by name; each with its own scaling."""
    found = {"linear": LogisticRegression(C=1.0, max_iter=1000)}
    for c in (1.0, 30.0):
        found[f"kernel, C={c:g}"] = SVC(C=c, gamma="scale")
    for k in sorted({min(k, n // 4) for k in (5, 25)}):
        found[f"{k} neighbours"] = KNeighborsClassifier(k)
    found["trees"] = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, learning_rate=0.1, early_stopping=False, random_state=seed
    )
    return {name: make_pipeline(StandardScaler(), reader) for name, reader in found.items()}
