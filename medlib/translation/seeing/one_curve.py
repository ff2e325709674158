"""Do several curves become one, when all are drawn over the same variable?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.isotonic import IsotonicRegression

__all__ = ["off_one_curve"]


def off_one_curve(
    x: Sequence[Float[np.ndarray, " places"]], y: Sequence[Float[np.ndarray, " places"]]
) -> float:
    """Return how far each curve lies from the curve that the others make together.

    Each curve in turn is left out; the others are joined into one rising step function of x (least
    squares, in lines between its steps, even beyond its ends), and the root of the mean squared
    distance of the curve left out is taken over all curves and places.

    Args:
        x, y: one array a curve, at least two curves; x in any unit, for only its order and the
            places between known ones count.

    Returns:
        In the unit of y; 0 = the curves are one, and it rises.

    Raises:
        ValueError: fewer than two curves, or arrays that do not fit.

    Example:
        >>> rising = np.array([0.0, 1.0, 2.0])
        >>> off_one_curve([rising, rising], [rising, rising])
        0.0
        >>> off_one_curve([rising, rising], [rising, rising + 1])
        1.0
    """
    if len(x) != len(y) or len(x) < 2 or any(a.shape != b.shape for a, b in zip(x, y, strict=True)):
        raise ValueError("give at least two curves, and as many places as values for each")
    squares = []
    for left_out in range(len(x)):
        others = [k for k in range(len(x)) if k != left_out]
        curve = IsotonicRegression(out_of_bounds="clip")
        curve.fit(np.concatenate([x[k] for k in others]), np.concatenate([y[k] for k in others]))
        squares.append((curve.predict(x[left_out]) - y[left_out]) ** 2)
    return float(np.sqrt(np.concatenate(squares).mean()))
