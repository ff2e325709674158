"""The course of one study: which step came when, what it left, and how long it took.

Seconds differ from run to run and are printed; order, files and bytes do not, and can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medlib.experiment.plots.canvas import COLORS, in_house_style, panels
from medlib.systems.clinic.pipeline import Span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LANES", "Left", "Scales", "course", "latency_s", "per_hour"]

LANES = {
    "name known": ("receive", "check"),
    "name removed": ("deidentify",),
    "networks": ("gate", "segment", "classify", "explain"),
    "results": ("write", "store", "read back"),
}
"""Who is at work in a step; one lane of the figure each, from above to below."""

_ROUGH = 10_000  # bytes; a header's length may differ by archive, a figure must not


@dataclass(frozen=True)
class Left:
    """What a step left in its folder."""

    step: str
    files: int
    size_bytes: int


class Scales:
    """Weighs what each step leaves; to be a pipeline's `pause`.

    Args:
        folder: of the study, in the pipeline's.

    Attributes:
        left: an entry for each step that was done, in the order in which they were.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.left = Path(folder), []

    def __call__(self, step: str, moment: str) -> None:
        if moment != "made":
            return
        sizes = [path.stat().st_size for path in (self.folder / step).iterdir()]
        self.left.append(Left(step, len(sizes), sum(sizes)))


def latency_s(spans: Sequence[Span]) -> float:
    """Seconds from the begin of the first step to the end of the last.

    Raises:
        ValueError: there are none.

    Example:
        >>> latency_s([Span("receive", 1.0, 1.5, False), Span("check", 1.5, 3.0, False)])
        2.0
    """
    if not spans:
        raise ValueError("there are no steps to take the time of")
    return max(span.ended_s for span in spans) - min(span.begun_s for span in spans)


def per_hour(studies: Sequence[Sequence[Span]]) -> float:
    """Studies an hour, one after the other, by their mean latency.

    Example:
        >>> per_hour([[Span("receive", 0.0, 1.0, False)], [Span("receive", 5.0, 8.0, False)]])
        1800.0
    """
    return 3600.0 / float(np.mean([latency_s(spans) for spans in studies]))


@in_house_style
def course(left: Sequence[Left], *, height_in: float = 2.7) -> Figure:
    """One bar a step, along time as order; a lane for each of `LANES`, files and size below it.

    Dots mark lines of the ledger, one after each step. Sizes are given to the nearest 10 kB.

    Args:
        left: of `Scales`, in order.
        height_in: of the figure.

    Raises:
        ValueError: there is none, or a step that is in no lane.

    Example:
        >>> figure = course([Left("receive", 12, 300_000), Left("check", 12, 300_000)])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['receive\\n12 files\\n300 kB', 'check\\n12 files\\n300 kB']
    """
    if not left:
        raise ValueError("no step was done: there is nothing to draw")
    lane_of = {step: lane for lane, steps in enumerate(LANES.values()) for step in steps}
    if unknown := [one.step for one in left if one.step not in lane_of]:
        raise ValueError(f"step {unknown[0]!r} is in none of the lanes {', '.join(LANES)}")
    colours = [COLORS[name] for name in ("orange", "grey", "blue", "green")]
    figure, axes = panels(height_in=height_in)
    place = axes[0, 0]
    for number, one in enumerate(left):
        lane = lane_of[one.step]
        place.barh(lane, 0.92, left=number + 0.54, height=0.3, color=colours[lane])
        kilobytes = round(one.size_bytes / _ROUGH) * _ROUGH // 1000
        held = f"{one.files} file{'s' * (one.files != 1)}\n{kilobytes or '< 10'} kB"
        text = f"{one.step}\n{held if one.files else 'no file'}"
        place.text(number + 1, lane + 0.2, text, ha="center", va="top", fontsize=7)
    place.plot(np.arange(len(left)) + 1.5, np.full(len(left), -0.5), "k.", markersize=5)
    place.set_yticks([-0.5, *range(len(LANES))], ["ledger", *LANES])
    place.set(ylim=(len(LANES), -0.8), xlim=(0.4, len(left) + 0.7), xlabel="step, in order of time")
    place.set_xticks(range(1, len(left) + 1))
    return figure
