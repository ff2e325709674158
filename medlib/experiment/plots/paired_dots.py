"""Paired dots: the same units under two conditions or more, one thin line for each unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medlib.experiment.plots.canvas import (
    GUIDE,
    HIGHLIGHT,
    PLAIN,
    Quantity,
    in_house_style,
    label,
    numbers,
    one_panel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@in_house_style
def paired_dots(
    conditions: Mapping[str, Any],
    *,
    y: Quantity,
    units: str,
    reference: float | None = None,
    axes: Axes | None = None,
    height_in: float = 3.4,
) -> Figure:
    """Each unit's values joined by a line: what differs between units drops out of the comparison.

    Args:
        conditions: name -> one value for each unit, in the same order in every condition.
        y: what is measured, and its unit.
        units: what a line is, in the plural: "heads", "patients"; it stands below with its number.
        reference: a value to compare with, as a dotted line.
        axes: draws there instead of on a figure of its own.
        height_in: of that figure.

    Raises:
        ValueError: fewer than two conditions, different lengths, or no word for the units.

    Example:
        >>> scores = {"TV": [20.1, 21.4], "network": [20.9, 21.6]}
        >>> paired_dots(scores, y=("PSNR", "dB"), units="heads").axes[0].get_xlabel()
        'each line is one of n = 2 heads; bars: means'
    """
    text = label(y, where="y")
    if not units.strip():
        raise ValueError('units is empty; say what each line is, such as units="heads"')
    values = {name: numbers(value, what=name) for name, value in conditions.items()}
    lengths = {name: len(value) for name, value in values.items()}
    if len(values) < 2:
        raise ValueError(f"{len(values)} condition(s); a pair needs two at least")
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"{lengths} values; pairs need the same {units} in the same order in every condition"
        )
    place = one_panel(axes, height_in=height_in)
    table = np.stack(list(values.values()))  # (conditions, units)
    if reference is not None:
        place.axhline(reference, color=GUIDE, linestyle=":", linewidth=1.2)
    across = np.arange(len(table))
    place.plot(across, table, color=PLAIN, alpha=0.45, linewidth=1, marker="o", markersize=3.5)
    for column, mean in zip(across, table.mean(axis=1), strict=True):
        place.plot([column - 0.13, column + 0.13], [mean, mean], color=HIGHLIGHT, linewidth=2.6)
    place.set_xticks(across, list(values))
    place.set_xlim(-0.4, len(table) - 0.6)
    place.set(ylabel=text, xlabel=f"each line is one of n = {table.shape[1]} {units}; bars: means")
    return place.figure
