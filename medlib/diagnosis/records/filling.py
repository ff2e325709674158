"""Four ways to fill the gaps of a record, two of which look ahead.

Each takes rows with nan and returns rows without. What they may see is what they are handed: to
fill as one could at hour t, hand in the first t rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int

__all__ = ["RULES", "back_fill", "forward_fill", "interpolate", "mean_fill"]

Rows = Float32[np.ndarray, "patients hours channels"]


def mean_fill(rows: Rows) -> Rows:
    """The mean of the training patients, which is 0 on their scale, wherever nothing was measured.

    Example:
        >>> mean_fill(np.array([[[np.nan], [2.0], [np.nan]]], dtype=np.float32))[0, :, 0]
        array([0., 2., 0.], dtype=float32)
    """
    return np.nan_to_num(rows, nan=0.0)


def forward_fill(rows: Rows) -> Rows:
    """The last value measured up to then (carried forward); before the first one, the mean, 0.

    Example:
        >>> forward_fill(np.array([[[np.nan], [2.0], [np.nan]]], dtype=np.float32))[0, :, 0]
        array([0., 2., 2.], dtype=float32)
    """
    last, at = _last(rows)
    return np.where(at >= 0, last, np.float32(0))


def back_fill(rows: Rows) -> Rows:
    """The *next* value that will be measured; after the last one, that one is carried forward.

    Example:
        >>> back_fill(np.array([[[np.nan], [2.0], [np.nan]]], dtype=np.float32))[0, :, 0]
        array([2., 2., 2.], dtype=float32)
    """
    following, at = _next(rows)
    return np.where(at < rows.shape[1], following, forward_fill(rows))


def interpolate(rows: Rows) -> Rows:
    """A straight line from the last value to the next; beyond the ends, the nearest value.

    Where a channel was never measured it is the mean, 0.

    Example:
        >>> interpolate(np.array([[[1.0], [np.nan], [3.0], [np.nan]]], dtype=np.float32))[0, :, 0]
        array([1., 2., 3., 3.], dtype=float32)
    """
    last, before = _last(rows)
    following, after = _next(rows)
    hours = rows.shape[1]
    place = np.arange(hours)[:, None]
    share = (place - before) / np.maximum(after - before, 1)
    line = last + np.where(after > before, share, 0).astype(np.float32) * (following - last)
    inside = np.where(before < 0, following, np.where(after >= hours, last, line))
    return np.where((before < 0) & (after >= hours), np.float32(0), inside)


#: name -> rule; "back" and "interpolation" take from rows that lie ahead.
RULES: dict[str, Callable[[Rows], Rows]] = {
    "mean": mean_fill,
    "forward": forward_fill,
    "back": back_fill,
    "interpolation": interpolate,
}


def _last(rows: Rows) -> tuple[Rows, Int[np.ndarray, "patients hours channels"]]:
    """The last value up to each row, and its row; -1 where there is none (the value is then 0)."""
    place = np.where(np.isnan(rows), -1, np.arange(rows.shape[1])[:, None])
    place = np.maximum.accumulate(place, axis=1)
    value = np.take_along_axis(np.nan_to_num(rows), np.maximum(place, 0), axis=1)
    return value, place


def _next(rows: Rows) -> tuple[Rows, Int[np.ndarray, "patients hours channels"]]:
    """The next value from each row on, and its row; the number of rows where there is none."""
    value, place = _last(rows[:, ::-1])
    hours = rows.shape[1]
    return value[:, ::-1], np.where(place >= 0, hours - 1 - place, hours)[:, ::-1]
