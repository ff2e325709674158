"""A point and its interval for each method, one below the other, in one column or several."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medlib.experiment.estimate import Estimate
from medlib.experiment.plots.canvas import (
    GUIDE,
    HIGHLIGHT,
    PLAIN,
    Quantity,
    in_house_style,
    label,
    numbers,
    panels,
)
from medlib.experiment.record import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Column:
    """What one column of the figure shows.

    Attributes:
        values: method -> estimate or result, drawn with its interval; a plain number has none.
        x: what is measured, and its unit.
        title: stands above the column.
        reference: a value to compare with, such as 0 for a difference, 0.5 for an AUC.
    """

    values: Mapping[str, Estimate | Result | float]
    x: Quantity
    title: str = ""
    reference: float | None = None


@in_house_style
def interval_points(
    *columns: Column, highlight: Collection[str] = (), height_in: float | None = None
) -> Figure:
    """Methods in rows, the first at the top; each column measures them in another way.

    Args:
        columns: all over the same methods, in the same order.
        highlight: methods to be drawn in orange, with a square.
        height_in: of the figure; by default from the number of methods.

    Raises:
        ValueError: there is no column, columns differ in their methods, a highlighted one is not
            among them, or an estimate's unit is not its column's.

    Example:
        >>> auc = Column({"FBP": Estimate(0.83, 0.79, 0.87, n=400)}, x=("AUC", ""), reference=0.5)
        >>> interval_points(auc).axes[0].get_yticklabels()[0].get_text()
        'FBP'
    """
    if not columns or not columns[0].values:
        raise ValueError("nothing to draw: hand in Column({method: estimate}, x=(quantity, unit))")
    names = list(columns[0].values)
    for column in columns[1:]:
        if list(column.values) != names:
            raise ValueError(
                f"the columns' methods differ: {names} and {list(column.values)}; rows are shared,"
                " so each column needs all methods in one order"
            )
    if unknown := sorted(set(highlight) - set(names)):
        raise ValueError(f"highlight: there is no method {unknown[0]!r}; there are {names}")
    texts = [label(column.x, where="x") for column in columns]
    for column in columns:
        _check_units(column)
    figure, axes = panels(
        1, len(columns), height_in=height_in or 0.3 * len(names) + 1.1, sharey=True
    )
    for place, column, text in zip(axes[0], columns, texts, strict=True):
        if column.reference is not None:
            place.axvline(column.reference, color=GUIDE, linestyle=":", linewidth=1.2)
        for row, (name, value) in enumerate(column.values.items()):
            color, marker = (HIGHLIGHT, "s") if name in highlight else (PLAIN, "o")
            middle = numbers([float(value)], what=name)[0]
            interval = getattr(value, "interval", None)
            if interval is not None:
                place.plot(interval, [row, row], color=color)
            place.plot(middle, row, marker, color=color)
        place.set(xlabel=text, title=column.title)
        place.locator_params(axis="x", nbins=5)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    return figure


def _check_units(column: Column) -> None:
    for name, value in column.values.items():
        unit = getattr(value, "unit", column.x[1])
        if unit != column.x[1]:
            raise ValueError(
                f"{name} is measured in {unit or 'a pure number'!r}, the axis in"
                f" {column.x[1] or 'a pure number'!r}; write x=({column.x[0]!r}, {unit!r})"
            )
