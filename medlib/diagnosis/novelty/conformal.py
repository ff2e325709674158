"""p-values by rank: how many known images are at least as unusual as this one?"""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Float

__all__ = ["conformal_p", "least_calibration", "level_distribution"]


def conformal_p(
    scores: Float[np.ndarray, " n"], *, calibration: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " n"]:
    """p(x) = (1 + #{calibration ≥ score of x}) / (m + 1).

    If a known image and the m calibration images are exchangeable, P(p ≤ α) ≤ α for every α,
    whatever the score and whatever its distribution; with equality, but for ties, where α(m + 1) is
    whole. It holds on average over calibration sets, not for each. Images that the score was fitted
    on are not exchangeable with new ones.

    Args:
        scores: to be judged, higher = more unusual.
        calibration: scores of known images that took no part in fitting or tuning.

    Returns:
        From 1/(m + 1) to 1; small = unusual.

    Raises:
        ValueError: no calibration image, or a score that is no number.

    Example:
        >>> conformal_p(np.array([0.5, 9.0]), calibration=np.array([1.0, 2.0, 3.0])).tolist()
        [1.0, 0.25]

    Source: Vovk, Gammerman and Shafer (2005), doi:10.1007/b106715; for outliers Bates et al.
    (2023), doi:10.1214/22-AOS2244.
    """
    scores, calibration = np.asarray(scores, dtype=float), np.asarray(calibration, dtype=float)
    if len(calibration) == 0:
        raise ValueError("calibration is empty: give scores of one known image or more")
    if np.isnan(scores).any() or np.isnan(calibration).any():
        raise ValueError("a score is no number (NaN): nothing can be ranked against it")
    below = np.searchsorted(np.sort(calibration), scores, side="left")
    return (1 + len(calibration) - below) / (len(calibration) + 1)


def level_distribution(n_calibration: int, *, level: float):
    """The distribution of the true false-alarm rate over calibration sets: Beta(k, m + 1 - k).

    With k = ⌊α(m + 1)⌋ and continuous scores an alarm is a score above the k-th largest of the
    calibration. The share of all known images above it is the k-th smallest of m uniform numbers.

    Args:
        n_calibration: m, >= 1.
        level: α, the nominal level, 0..1.

    Returns:
        A frozen distribution of scipy; its mean is k/(m + 1) ≤ α.

    Raises:
        ValueError: k < 1: so few images can never give an alarm at that level.

    Example:
        >>> found = level_distribution(99, level=0.05)
        >>> round(float(found.mean()), 3), round(float(found.std()), 3)
        (0.05, 0.022)

    Source: Vovk (2012), doi:10.48550/arXiv.1209.2673.
    """
    k = int(np.floor(level * (n_calibration + 1) + 1e-9))
    if not 0 < level < 1 or k < 1:
        raise ValueError(
            f"{n_calibration} calibration images at level {level:g}: the smallest p-value is"
            f" 1/{n_calibration + 1}, so no alarm can ever sound; least_calibration says how many"
        )
    return scipy.stats.beta(k, n_calibration + 1 - k)


def least_calibration(level: float) -> int:
    """How many calibration images an alarm at this level needs: the least m with 1/(m + 1) ≤ α.

    Raises:
        ValueError: a level outside (0, 1).

    Example:
        >>> least_calibration(0.05), least_calibration(0.01)
        (19, 99)
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level:g} must lie between 0 and 1")
    return int(np.ceil(1 / level - 1e-9)) - 1
