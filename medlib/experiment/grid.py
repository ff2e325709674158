"""The grid on which numbers are compared, and what goes wrong with any number.

The page's script computes the same cells from the same two numbers, so that a reader is told the
same in Jupyter and in the browser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Cells of `width`, counted from `offset`; the right answer is the middle of cell `right`."""

    offset: float
    width: float
    right: int

    @classmethod
    def around(cls, answer: float, *, tolerance: float) -> Grid:
        """The grid whose one cell reaches from `answer` - `tolerance` to `answer` + `tolerance`."""
        width = 2 * tolerance
        offset = (answer - tolerance) % width
        return cls(offset, width, math.floor((answer - offset) / width))

    def cell(self, value: float) -> int:
        """The number of the cell that holds `value`; the page's script computes the same."""
        return math.floor((value - self.offset) / self.width)

    def cells(self, value: float) -> frozenset[int]:
        """The cells that lie within the tolerance of `value`."""
        reach = 0.499 * self.width
        return frozenset(self.cell(value + step) for step in (-reach, 0.0, reach))


def usual_mistakes(right: float) -> list[tuple[float, str]]:
    """What goes wrong with any number: its sign, its reciprocal, its unit."""
    if not right:
        return []
    found = [
        (-right, "the size is right, the sign is not"),
        (1 / right, "that is one over the answer"),
        (right * right, "that is the answer squared"),
        (100 * right, "that is a hundred times the answer: was a share asked for, not per cent?"),
        (right / 100, "that is a hundredth of the answer: were per cent asked for, not a share?"),
    ]
    if right > 0:
        found.append((math.sqrt(right), "that is the root of the answer"))
    off = "a power of ten is lost: look at the units"
    return found + [(right * factor, off) for factor in (10.0, 0.1, 1000.0, 0.001)]
