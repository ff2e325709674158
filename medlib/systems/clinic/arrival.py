"""A study as it came, slice by slice, beside what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset

from medlib.experiment.plots.canvas import HIGHLIGHT, in_house_style, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["arrival"]

_COLUMNS, _ROWS, _WHITE, _TOP = 7, 2, 1000, 4095


@in_house_style
def arrival(came: Sequence[Dataset], sent: Sequence[Dataset], *, verdict: str) -> Figure:
    """The slices that came, in order of place; framed in orange where pixels are not those sent.

    All are drawn with one grey scale of 1000 stored units, from 0 on; of a negative of 12 bits the
    upper 1000 are drawn, as whoever takes it for a positive would see it.

    Args:
        came: the images, of one size, 14 at most, in any order.
        sent: as they left the scanner.
        verdict: stands above.

    Raises:
        ValueError: no image, or more than 14.
    """
    if not 1 <= len(came) <= _ROWS * _COLUMNS:
        raise ValueError(f"{len(came)} images; one to {_ROWS * _COLUMNS} can be drawn")
    was = {_level(one): one.pixel_array for one in sent}
    rows, columns = came[0].pixel_array.shape
    sheet = np.full((_ROWS * rows, _COLUMNS * columns), np.nan)
    figure, axes = panels(height_in=3.0)
    place = axes[0, 0]
    for number, one in enumerate(sorted(came, key=_level)):
        down, across = number // _COLUMNS * rows, number % _COLUMNS * columns
        sheet[down : down + rows, across : across + columns] = one.pixel_array
        changed = not np.array_equal(one.pixel_array, was.get(_level(one), one.pixel_array))
        colour = HIGHLIGHT if changed else "white"
        place.text(across + 3, down + 3, f"{_level(one):.0f} mm", va="top", size=7, color=colour)
        if changed:
            box = (across + 1, down + 1, columns - 3, rows - 3)
            place.add_patch(_frame(*box))
    low = _TOP - _WHITE if np.nanmedian(sheet) > _TOP / 2 else 0
    place.imshow(sheet, cmap="gray", vmin=low, vmax=low + _WHITE, interpolation="nearest")
    place.set_title(verdict)
    place.set_axis_off()
    return figure


def _frame(left: float, top: float, width: float, height: float):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, fill=False, edgecolor=HIGHLIGHT, linewidth=2)


def _level(one: Dataset) -> float:
    return float(one.ImagePositionPatient[2])
