"""What a table can hold of a record: last values, counts, times since; and a classifier of it.

The baseline that recurrent networks must beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.diagnosis.records.filling import forward_fill
from medlib.diagnosis.records.hourly import measured
from medlib.measures.calibration import log_loss

__all__ = ["FAMILIES", "PENALTIES", "TunedTable", "summaries", "tuned_table"]

#: C of the logistic regressions that are tried, from strong shrinkage to weak.
PENALTIES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
FAMILIES = ("logistic regression", "boosted trees")
_TREES = tuple((rate, leaves) for rate in (0.03, 0.1) for leaves in (3, 8))
RECENT_H = 8


def summaries(
    rows: Float32[np.ndarray, "patients hours channels"], *, timing: bool = True
) -> Float[np.ndarray, "patients columns"]:
    """Last value, mean so far and last change of each channel; with timing, when it was measured.

    Timing is, for each channel, the number of hours with a measurement, the same in the last eight
    hours, and the hours since the last one (all of them, where there was none).

    Args:
        rows: known so far, nan where nothing was measured.
        timing: whether counts and times are in the table.

    Example:
        >>> rows = np.array([[[1.0], [np.nan], [3.0], [np.nan]]], dtype=np.float32)
        >>> summaries(rows)[0].tolist()
        [3.0, 2.0, 2.0, 2.0, 2.0, 1.0]
    """
    mask = measured(rows)
    counts = mask.sum(axis=1)
    last = forward_fill(rows)[:, -1]
    mean = np.nan_to_num(rows).sum(axis=1) / np.maximum(counts, 1)
    place = np.arange(rows.shape[1])[:, None]
    final = np.where(mask, place, -1).max(axis=1)
    earlier = rows.copy()
    earlier[np.arange(len(rows))[:, None], final, np.arange(rows.shape[2])] = np.nan
    change = np.where(counts > 1, last - forward_fill(earlier)[:, -1], 0)
    table = [last, mean, change]
    if timing:
        recent = mask[:, -RECENT_H:].sum(axis=1)
        table += [counts, recent, rows.shape[1] - 1 - final]
    return np.concatenate(table, axis=1).astype(float)


@dataclass(frozen=True, eq=False)
class TunedTable:
    """A classifier of summaries, chosen on validation patients.

    Attributes:
        classifier: scikit-learn's, fitted.
        name: which was chosen.
        tried: name -> validation log loss in nats.
        timing: whether it sees counts and times.
    """

    classifier: Any
    name: str
    tried: dict[str, float]
    timing: bool

    def risk(
        self, rows: Float32[np.ndarray, "patients hours channels"]
    ) -> Float[np.ndarray, " patients"]:
        """Probability of the outcome, from the rows known so far."""
        return self.classifier.predict_proba(summaries(rows, timing=self.timing))[:, 1]


def tuned_table(
    learn: tuple[Float32[np.ndarray, "n hours channels"], Int[np.ndarray, " n"]],
    check: tuple[Float32[np.ndarray, "m hours channels"], Int[np.ndarray, " m"]],
    *,
    timing: bool = True,
    seed: int = 0,
    penalties: Sequence[float] = PENALTIES,
    families: Sequence[str] = FAMILIES,
) -> TunedTable:
    """Logistic regressions and gradient-boosted trees; the one with the least validation log loss.

    Whoever compares two tables, with timing and without, compares them within one family: trees
    find traces of timing in values (a mean that equals the last value was measured once).

    Args:
        learn, check: rows known at the hour of decision, and outcomes.
        timing: whether the table holds when something was measured.
        seed: of the trees, which draw nothing as they are used here.
        penalties: C of the logistic regressions.
        families: which kinds are tried, of `FAMILIES`.

    Raises:
        ValueError: no family, or one that is not among `FAMILIES`.
    """
    if not families or set(families) - set(FAMILIES):
        raise ValueError(f"families {list(families)}: one or more of {', '.join(FAMILIES)}")
    tables = [summaries(rows, timing=timing) for rows, _ in (learn, check)]
    models: dict[str, Any] = {
        f"logistic regression, C = {c:g}": make_pipeline(
            StandardScaler(), LogisticRegression(C=c, max_iter=2000)
        )
        for c in penalties
        if "logistic regression" in families
    }
    for rate, leaves in _TREES if "boosted trees" in families else ():
        models[f"boosted trees, rate {rate:g}, {leaves} leaves"] = HistGradientBoostingClassifier(
            learning_rate=rate, max_leaf_nodes=leaves, max_iter=100, early_stopping=False,
            random_state=seed,
        )  # fmt: skip
    tried = {}
    for name, model in models.items():
        model.fit(tables[0], learn[1])
        tried[name] = log_loss(model.predict_proba(tables[1])[:, 1], check[1])
    best = min(tried, key=tried.__getitem__)
    return TunedTable(models[best], best, tried, timing)
