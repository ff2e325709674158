"""How far a number may move before it is another: by its tolerance, and as another draw.

A training hangs on its rounding: on another arithmetic it ends elsewhere, as under another seed.
What other seeds gave says by how much (docs/decisions/0024).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MOST_OF_SPREAD = 0.5
ONE_IN = 100
VARIES = 2e-6  # share of its size by which a value must scatter to count as one that varies


@dataclass(frozen=True)
class Spread:
    """How a result scatters over seeds.

    Args:
        n: over how many.
        typical: the mean size of its value.
        deviations: "value", "low", "high" -> standard deviation (n - 1), where there is one.
    """

    n: int
    typical: float
    deviations: Mapping[str, float]

    @property
    def varies(self) -> bool:
        """Whether its value is another on another seed, beyond rounding."""
        return self.deviations.get("value", 0.0) > VARIES * self.typical

    def at_most(self, tolerance: float) -> float:
        """The tolerance, or half the standard deviation over seeds where that is less.

        >>> Spread(10, 1.0, {"value": 0.1}).at_most(0.2)
        0.05
        """
        if not self.varies:
            return tolerance
        return min(tolerance, MOST_OF_SPREAD * self.deviations["value"])

    def between_draws(self, field: str) -> float:
        """What two draws differ by in 99 of 100 cases, at most; 0 where nothing is known.

        The difference of two draws of one normal distribution has sqrt(2) times its standard
        deviation, which is estimated from n: hence Student's t.

        >>> round(Spread(10, 1.0, {"value": 0.1}).between_draws("value"), 3)
        0.46
        """
        if self.n < 2 or field not in self.deviations or not self.varies:
            return 0.0
        from scipy.special import stdtrit

        t = float(stdtrit(self.n - 1, 1 - 0.5 / ONE_IN))
        return t * math.sqrt(2) * self.deviations[field]
