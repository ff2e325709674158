"""In what units features are compared: as they come, each in its own spread, or direction only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

__all__ = ["SCALINGS", "FeatureScaling", "fit_scaling"]

SCALINGS = ("as they are", "each by its sd", "unit length")


@dataclass(frozen=True, eq=False)
class FeatureScaling:
    """How features are moved and scaled; call it with features.

    Attributes:
        kind: one of `SCALINGS`.
        mean, sd: of the features it was fitted on, one a feature.
    """

    kind: str
    mean: Float[np.ndarray, " d"]
    sd: Float[np.ndarray, " d"]

    def __call__(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Return the features in the new units."""
        features = np.asarray(features, dtype=float)
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(
                f"features of shape {features.shape}; expected (n, {len(self.mean)}), as fitted"
            )
        if self.kind == "as they are":
            return features
        if self.kind == "each by its sd":
            return (features - self.mean) / self.sd
        length = np.linalg.norm(features, axis=1, keepdims=True)
        return features / np.where(length > 0, length, 1.0)


def fit_scaling(features: Float[np.ndarray, "n d"], *, kind: str) -> FeatureScaling:
    """Learn units from known features.

    - "as they are": f.
    - "each by its sd": (f_j - m_j) / s_j, with mean and standard deviation of feature j.
    - "unit length": f / |f|: only the direction counts.

    A feature that never varies keeps its values: its s_j is taken as 1.

    Args:
        features: of known images to learn from, never of those to be judged.
        kind: one of `SCALINGS`.

    Raises:
        ValueError: an unknown kind, or fewer than two rows.

    Example:
        >>> two = np.array([[1.0, 10.0], [3.0, 30.0]])
        >>> fit_scaling(two, kind="each by its sd")(two).tolist()
        [[-1.0, -1.0], [1.0, 1.0]]
        >>> fit_scaling(two, kind="unit length")(np.array([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
    """
    if kind not in SCALINGS:
        raise ValueError(f"kind is {kind!r}; choose {', '.join(map(repr, SCALINGS))}")
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features of shape {features.shape}; two rows or more are needed")
    sd = features.std(axis=0)
    return FeatureScaling(kind, features.mean(axis=0), np.where(sd > 0, sd, 1.0))
