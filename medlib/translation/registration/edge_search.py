"""One knob on a geometric grid, which grows while the best lies on its edge.

A grid that ends where its winner stands has not been searched. The same rule for every method, a
weight here and a smoothing there, is what makes their results comparable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["EdgeSearch", "edge_search"]

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class EdgeSearch(Generic[Found]):
    """What was tried.

    Attributes:
        tried: setting -> what it gave, from the smallest setting to the largest.
        best: the setting that is worth most.
        on_edge: whether it is still the smallest or the largest that was tried.
    """

    tried: dict[float, Found]
    best: float
    on_edge: bool

    @property
    def kept(self) -> Found:
        """What the best setting gave."""
        return self.tried[self.best]


def edge_search(
    attempt: Callable[[float], Found],
    *,
    grid: Sequence[float],
    worth: Callable[[Found], float],
    extensions: int = 2,
) -> EdgeSearch[Found]:
    """Try every setting, then further ones beyond the edge on which the best lies.

    Args:
        attempt: what a setting gives; called once for each.
        grid: positive settings, each the same multiple of the one before.
        worth: of what was given; higher = better. Of equal ones the larger setting, the smoother
            field, is taken.
        extensions: at most.

    Raises:
        ValueError: fewer than two settings, not positive, not growing, or extensions negative.

    Example:
        >>> found = edge_search(lambda x: x, grid=[1.0, 2.0], worth=lambda y: -abs(y - 8))
        >>> list(found.tried), found.best, found.on_edge
        ([1.0, 2.0, 4.0, 8.0], 8.0, True)
    """
    settings = [float(one) for one in grid]
    if len(settings) < 2 or settings[0] <= 0 or sorted(set(settings)) != settings:
        raise ValueError(f"grid={list(grid)}: two or more, positive and growing")
    if extensions < 0:
        raise ValueError(f"extensions={extensions}: 0 or more")
    ratio = settings[1] / settings[0]
    tried = {setting: attempt(setting) for setting in settings}

    def best() -> float:
        return max(tried, key=lambda setting: (worth(tried[setting]), setting))

    for _ in range(extensions):
        low, high = min(tried), max(tried)
        if best() not in (low, high):
            break
        # rounded, so that a setting reads as it was meant and not as 0.30000000000000004
        beyond = float(f"{low / ratio if best() == low else high * ratio:.6g}")
        tried[beyond] = attempt(beyond)
    tried = dict(sorted(tried.items()))
    return EdgeSearch(tried, best(), best() in (min(tried), max(tried)))
