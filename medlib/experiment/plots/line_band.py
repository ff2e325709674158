"""Lines over a number, each with a band of its uncertainty or with a dot for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medlib.experiment.estimate import Estimate
from medlib.experiment.plots.canvas import (
    GUIDE,
    Quantity,
    in_house_style,
    label,
    looks,
    numbers,
    one_panel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Line:
    """One series: y over x, and what is known of its uncertainty.

    Attributes:
        x, y: (points,).
        low, high: the band around y (points,), both or neither.
        dots: single measurements (points, seeds), drawn as dots: the spread itself, no summary.
    """

    x: Any
    y: Any
    low: Any = None
    high: Any = None
    dots: Any = None

    @classmethod
    def of(cls, x: Any, estimates: Sequence[Estimate]) -> Line:
        """The line through estimates, their intervals as its band."""
        return cls(
            x,
            [estimate.value for estimate in estimates],
            [estimate.low for estimate in estimates],
            [estimate.high for estimate in estimates],
        )


@in_house_style
def line_band(
    lines: Mapping[str, Line],
    *,
    x: Quantity,
    y: Quantity,
    log_x: bool = False,
    x_ticks: Sequence[float] | None = None,
    level: float | tuple[float, float] | None = None,
    mark_x: float | None = None,
    axes: Axes | None = None,
    height_in: float = 3.2,
) -> Figure:
    """Lines with their bands, in one panel.

    Args:
        lines: name -> series; the names make the legend, which one line alone does not get.
        x, y: what the axes show, and units.
        log_x: a logarithmic x axis; its ticks are the numbers themselves.
        x_ticks: where ticks stand, if not where matplotlib puts them.
        level: a value of y to compare with, as a dotted line; a pair as a grey band.
        mark_x: a value of x to mark with a dotted line.
        axes: draws there instead of on a figure of its own.
        height_in: of that figure.

    Raises:
        ValueError: lengths differ, a band does not hold its line, a number is not finite, a unit
            is missing, or there are too many lines.

    Example:
        >>> line = Line([1, 2], [0.7, 0.8], [0.6, 0.7], [0.8, 0.9])
        >>> figure = line_band({"FBP": line}, x=("dose", "mGy"), y=("AUC", ""))
        >>> figure.axes[0].get_xlabel()
        'dose (mGy)'
    """
    words = {"xlabel": label(x, where="x"), "ylabel": label(y, where="y")}
    series = {name: _checked(name, line) for name, line in lines.items()}
    look_of = looks(list(series))
    if log_x and any((line.x <= 0).any() for line in series.values()):
        raise ValueError(f"{words['xlabel']}: a logarithmic axis shows positive numbers only")
    place = one_panel(axes, height_in=height_in)
    if isinstance(level, tuple):
        place.axhspan(*sorted(level), color=GUIDE, alpha=0.35, linewidth=0)
    elif level is not None:
        place.axhline(level, color=GUIDE, linestyle=":", linewidth=1.2)
    if mark_x is not None:
        place.axvline(mark_x, color=GUIDE, linestyle=":", linewidth=1.2)
    for name, line in series.items():
        look = look_of[name]
        if line.low is not None:
            place.fill_between(
                line.x, line.low, line.high, color=look.color, alpha=0.2, linewidth=0
            )
        if line.dots is not None:
            across = np.repeat(line.x, line.dots.shape[1])
            place.plot(
                across, line.dots.ravel(), look.marker, color=look.color, alpha=0.35, markersize=3
            )
        place.plot(line.x, line.y, look.line, marker=look.marker, color=look.color, label=name)
    place.set(**words)
    if log_x:
        place.set_xscale("log")
    if x_ticks is not None:
        place.set_xticks(list(x_ticks), [f"{tick:g}" for tick in x_ticks])
        place.minorticks_off()
    elif log_x:
        place.xaxis.set_major_formatter("{x:g}")
    if len(series) > 1:
        place.legend()
    return place.figure


def _checked(name: str, line: Line) -> Line:
    if not isinstance(line, Line):
        raise ValueError(f"line {name!r} is a {type(line).__name__}; write Line(x, y, low, high)")
    x, y = numbers(line.x, what=f"{name}: x"), numbers(line.y, what=f"{name}: y")
    if len(x) != len(y):
        raise ValueError(f"{name}: {len(x)} values of x, but {len(y)} of y")
    if (line.low is None) != (line.high is None):
        raise ValueError(f"{name}: a band has two edges; low and high are given together")
    low = high = dots = None
    if line.low is not None:
        low, high = numbers(line.low, what=f"{name}: low"), numbers(line.high, what=f"{name}: high")
        if not len(low) == len(high) == len(x):
            raise ValueError(f"{name}: a band of {len(low)} and {len(high)} for {len(x)} points")
        outside = np.flatnonzero((low > y) | (y > high))
        if len(outside):
            i = int(outside[0])
            raise ValueError(
                f"{name}: at x = {x[i]:g} the line is {y[i]:g}, outside its band"
                f" {low[i]:g}..{high[i]:g}"
            )
    if line.dots is not None:
        dots = numbers(line.dots, what=f"{name}: dots", ndim=2)
        if len(dots) != len(x):
            raise ValueError(
                f"{name}: dots of {len(dots)} points (points, seeds) for {len(x)} points"
            )
    return Line(x, y, low, high, dots)
