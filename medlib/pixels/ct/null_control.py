"""The observer's negative control: scans without a lesion, half of them called "with".

One AUC of two hundred scans wanders as far by chance as a small leak would push it. So the scans
are split into groups, each group trains and scores an observer of its own, and the mean over
groups is compared with what guessing gives at its own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from medlib.measures.auc import auc
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.pixels.ct.observer import train_observer


@dataclass(frozen=True)
class NullAuc:
    """A mean AUC over groups of scans without a lesion, and what guessing may give.

    Attributes:
        value: the mean AUC; one half is guessing.
        low, high: between which the mean lies by chance, at `level`.
        n: scans that were scored, of both kinds, in all groups.
        level: of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    level: float

    @property
    def room(self) -> float:
        """How far inside the interval the value lies; negative = outside."""
        return min(self.value - self.low, self.high - self.value)


def null_auc(
    called_present: Float[Tensor, "n size size"],
    called_absent: Float[Tensor, "m size size"],
    *,
    channels: Float[Tensor, "channels size size"],
    n_groups: int = 8,
    level: float = 0.999,
    on_own_scans: bool = False,
) -> NullAuc:
    """Train and score an observer in each group of scans, with nothing to find.

    Guessing has the AUC 1/2 with the variance of `auc_by_chance`; the mean over independent groups
    has that variance over their number.

    Args:
        called_present, called_absent: scans cut around the place; neither holds a lesion.
        channels: the observer's.
        n_groups: parts of the scans; the first half of each is learned from, the rest scored.
        level: of the interval.
        on_own_scans: plant a leak: score the very scans that were learned from.

    Raises:
        ValueError: the groups are too small for the channels, or the sets differ in length.

    Example:
        >>> import torch
        >>> from medlib.pixels.ct.observer import laguerre_gauss
        >>> channels = laguerre_gauss(size=9, n_channels=4, width_px=4.0)
        >>> sets = torch.randn(2, 320, 9, 9, generator=torch.Generator().manual_seed(0))
        >>> honest, leaking = (
        ...     null_auc(*sets, channels=channels, on_own_scans=leak) for leak in (False, True))
        >>> honest.room > 0, leaking.room > 0
        (True, False)

    Source: Mann and Whitney (1947), doi:10.1214/aoms/1177730491.
    """
    if len(called_present) != len(called_absent):
        raise ValueError(
            f"{len(called_present)} scans against {len(called_absent)}: the sets must be as long"
        )
    n_learn = len(called_present) // n_groups // 2
    if n_learn <= len(channels):
        raise ValueError(
            f"{n_groups} groups leave {n_learn} scans of a kind to learn from, for"
            f" {len(channels)} channels; use fewer groups or more scans"
        )
    values = []
    for group in range(n_groups):
        first = 2 * n_learn * group
        parts = [
            (images[first : first + n_learn], images[first + n_learn : first + 2 * n_learn])
            for images in (called_present, called_absent)
        ]
        observer = train_observer(*(learned for learned, _ in parts), channels=channels)
        scored = [learned if on_own_scans else left for learned, left in parts]
        values.append(auc(*map(observer.score, scored)).value)
    reach = (auc_by_chance(n_learn, n_learn, level=level)[1] - 0.5) / np.sqrt(n_groups)
    bounds = float(0.5 - reach), float(0.5 + reach)
    return NullAuc(float(np.mean(values)), *bounds, 2 * n_learn * n_groups, level)
