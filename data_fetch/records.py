"""Records of patients: what was measured, of whom, when; one line a measurement, and an outcome."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from data_fetch.sample import Sample

PATIENT, TIME_H, CHANNEL, VALUE = range(4)


@dataclass(frozen=True, eq=False, kw_only=True)
class Records:
    """Measurements at irregular times, and what became of each patient.

    Args:
        sample: float64 (measurements, 4): patient (counted from 0), hours since admission, channel
            (an index into `channels`) and value, sorted by patient and time.
        channels: name and unit of each, ("heart rate", "/min").
        outcome: of each patient, 0 or 1.
        names: what 0 and 1 mean.
        hours: how long the record is; no measurement is later.

    Raises:
        ValueError: a table of another shape, a patient, channel or time outside its range, lines
            out of order, or an outcome other than 0 and 1.

    >>> from data_fetch.sample import sha256_of_array
    >>> lines = np.array([[0, 1.5, 0, 88.0], [0, 7.25, 0, 93.0], [1, 2.0, 0, 71.0]])
    >>> sample = Sample(lines, name="example/records", kind="simulated", unit="see channels",
    ...                 sha256=sha256_of_array(lines))
    >>> two = Records(sample=sample, channels=(("heart rate", "/min"),),
    ...               outcome=np.array([1, 0]), names=("lived", "died"), hours=48)
    >>> len(two), two.of(0)[:, VALUE].tolist()
    (2, [88.0, 93.0])
    """

    sample: Sample
    channels: tuple[tuple[str, str], ...]
    outcome: Int[np.ndarray, " patients"]
    names: tuple[str, str]
    hours: int

    def __post_init__(self) -> None:
        lines = self.sample.array
        if lines.ndim != 2 or lines.shape[1] != 4 or lines.dtype != np.float64:
            raise ValueError(
                f"lines of {lines.dtype} and shape {lines.shape}: a measurement is patient, hours,"
                " channel and value, in float64"
            )
        for what, column, end in (
            ("patient", PATIENT, len(self.outcome) - 1),
            ("time", TIME_H, self.hours),
            ("channel", CHANNEL, len(self.channels) - 1),
        ):
            if len(lines) and not (lines[:, column].min() >= 0 and lines[:, column].max() <= end):
                raise ValueError(
                    f"{what}s run from {lines[:, column].min():g} to {lines[:, column].max():g};"
                    f" they lie in 0..{end}"
                )
        steps = np.diff(lines[:, :CHANNEL], axis=0)
        if ((steps[:, 0] < 0) | ((steps[:, 0] == 0) & (steps[:, 1] < 0))).any():
            raise ValueError("lines are out of order: sort them by patient and time")
        if not np.isfinite(lines).all():
            raise ValueError("a value is not finite: leave such a line out, nothing was measured")
        if not np.isin(self.outcome, (0, 1)).all():
            raise ValueError("an outcome is 0 or 1")

    def __len__(self) -> int:
        return len(self.outcome)

    def of(self, patient: int) -> Float[np.ndarray, "lines 4"]:
        """The lines of one patient."""
        first, last = np.searchsorted(self.sample.array[:, PATIENT], [patient, patient + 1])
        return self.sample.array[first:last]


@dataclass(frozen=True, eq=False, kw_only=True)
class Films:
    """Films of the same patients, at times of their own.

    Args:
        sample: images (films, size, size), sorted by patient and time.
        patients: whose each is.
        hours: when each was taken, in hours since admission.
        cloudy: share of the lungs that is cloudy on each, 0..1, where it is known.

    Raises:
        ValueError: not one patient, time and share a film, or films out of order.
    """

    sample: Sample
    patients: Int[np.ndarray, " films"]
    hours: Float[np.ndarray, " times"]
    cloudy: Float[np.ndarray, " shares"]

    def __post_init__(self) -> None:
        n = len(self.sample.array)
        shapes = {self.patients.shape, self.hours.shape, self.cloudy.shape}
        if shapes != {(n,)}:
            raise ValueError(f"{n} films, but patients, hours or shares of shape {shapes}")
        later = np.diff(self.patients) > 0
        same = np.diff(self.patients) == 0
        if not (later | (same & (np.diff(self.hours) >= 0))).all():
            raise ValueError("films are out of order: sort them by patient and time")

    def __len__(self) -> int:
        return len(self.patients)

    def until(self, hour: float) -> Bool[np.ndarray, " films"]:
        """Which had been taken by then."""
        return self.hours <= hour
