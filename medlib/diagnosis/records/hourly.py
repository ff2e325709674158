"""Measurements at irregular times, laid out in rows of an hour, with nothing filled in.

A row holds what was measured within its hour and nothing else: nan where nothing was. From it come
the two things that say *when* there was something: masks, and hours since the last measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

__all__ = ["Scale", "hourly_rows", "hours_since", "measured"]

PATIENT, TIME_H, CHANNEL, VALUE = range(4)
Rows = Float32[np.ndarray, "patients hours channels"]


def hourly_rows(
    lines: Float[np.ndarray, "lines 4"], *, patients: int, channels: int, hours: int
) -> Rows:
    """The last value of each channel within each hour, and nan where there is none.

    Row t (counted from 0) holds what was measured in (t, t + 1]; time 0 belongs to row 0. So what
    is known at hour t are the first t rows.

    Args:
        lines: patient, hours since admission, channel, value; sorted by patient and time.
        patients, channels, hours: how many there are.

    Raises:
        ValueError: lines that are out of order, or beyond the last patient, channel or hour.

    Example:
        >>> lines = np.array([[0, 0.2, 0, 88.0], [0, 0.9, 0, 93.0], [0, 3.0, 0, 71.0]])
        >>> hourly_rows(lines, patients=1, channels=1, hours=4)[0, :, 0]
        array([93., nan, 71., nan], dtype=float32)
    """
    rows = np.full((patients, hours, channels), np.nan, dtype=np.float32)
    who, channel = lines[:, PATIENT].astype(int), lines[:, CHANNEL].astype(int)
    row = np.maximum(np.ceil(lines[:, TIME_H]).astype(int) - 1, 0)
    for what, index, end in (("patient", who, patients), ("channel", channel, channels),
                             ("hour", row, hours)):  # fmt: skip
        if len(index) and not 0 <= index.min() <= index.max() < end:
            raise ValueError(f"{what} {index.max()} (counted from 0), but there are {end}")
    if (np.diff(who * (hours + 1.0) + lines[:, TIME_H]) < 0).any():
        raise ValueError("lines are out of order: sort them by patient and time")
    rows[who, row, channel] = lines[:, VALUE]  # of several in one hour the last one stays
    return rows


def measured(rows: Rows) -> Bool[np.ndarray, "patients hours channels"]:
    """The mask m: True where something was measured."""
    return ~np.isnan(rows)


def hours_since(mask: Bool[np.ndarray, "patients hours channels"]) -> Rows:
    r"""δ: hours from the last measurement *before* a row to this row, channel by channel.

    δ_1 = 0, and δ_t = 1 + (1 - m_{t-1}) δ_{t-1}: rows are an hour apart. Before the first
    measurement it counts from the first row.

    Example:
        >>> mask = np.array([[[True], [False], [False], [True], [False]]])
        >>> hours_since(mask)[0, :, 0]
        array([0., 1., 2., 3., 1.], dtype=float32)

    Source: Che et al. (2018), doi:10.1038/s41598-018-24271-9.
    """
    since = np.zeros(mask.shape, dtype=np.float32)
    for hour in range(1, mask.shape[1]):
        since[:, hour] = 1 + np.where(mask[:, hour - 1], 0, since[:, hour - 1])
    return since


@dataclass(frozen=True, eq=False)
class Scale:
    """What values are measured in for a network: mean 0 and variance 1 over the training patients.

    Example:
        >>> scale = Scale.of(np.array([[[1.0], [np.nan], [3.0]]], dtype=np.float32))
        >>> scale(np.array([[[2.0], [np.nan], [4.0]]], dtype=np.float32))[0, :, 0]
        array([ 0., nan,  2.], dtype=float32)
    """

    middle: Float32[np.ndarray, " channels"]
    spread: Float32[np.ndarray, " channels"]
    low: Float32[np.ndarray, " channels"]
    high: Float32[np.ndarray, " channels"]

    @classmethod
    def of(cls, rows: Rows, *, tails: float = 0.0) -> Scale:
        """From the measured values of training patients, each value once.

        Charts have typing errors (a pH of 735), and one of them may stretch a scale until nothing
        else is seen on it. With `tails` the rarest values at either end are drawn in first.

        Args:
            rows: of training patients, nan where nothing was measured.
            tails: share of a channel's training values beyond whose quantiles, at either end, all
                values are drawn in to them, there and wherever the scale is used. 0: none are.

        Raises:
            ValueError: a channel that was measured less than twice, or a share outside 0..0.5.
        """
        if not 0 <= tails < 0.5:
            raise ValueError(f"tails={tails}: a share at either end, 0 or more and below 0.5")
        counts = measured(rows).sum(axis=(0, 1))
        if (counts < 2).any():
            raise ValueError(
                f"channel {int(np.argmin(counts))} was measured {counts.min()} times in training:"
                " leave it out, there is no scale for it"
            )
        low, high = np.full((2, rows.shape[2]), [[-np.inf], [np.inf]], dtype="f4")
        if tails:
            low, high = np.nanquantile(rows, [tails, 1 - tails], axis=(0, 1)).astype("f4")
            rows = np.clip(rows, low, high)
        spread = np.nanstd(rows, axis=(0, 1))
        spread = np.where(spread > 0, spread, 1).astype("f4")
        return cls(np.nanmean(rows, axis=(0, 1)), spread, low, high)

    def __call__(self, rows: Rows) -> Rows:
        """Rows on this scale; nan stays nan."""
        drawn_in = np.clip(rows, self.low, self.high)
        return ((drawn_in - self.middle) / self.spread).astype(np.float32)
