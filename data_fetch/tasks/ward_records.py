"""Simulated stays on a ward: vital signs, laboratory values, chest films, and who gets worse."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from data_fetch.records import CHANNEL, PATIENT, TIME_H, Films, Records
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.simulated.chest_film import chest_films
from data_fetch.simulated.ward import (
    CHANNELS,
    FILE_H,
    PARTS,
    WardCourse,
    risk_given_parts,
    ward_course,
)
from data_fetch.simulated.ward_filter import risk_given_values

_CITE = "Pixels to Patients, data_fetch/simulated/ward.py"
_LICENCE = "Apache-2.0 (the generator)"


@dataclass(frozen=True, eq=False)
class WardPatients:
    """Simulated patients, whom any ordering policy may measure.

    Args:
        course: what happens to them.
        film_seed: of the films' clouds and grain.
    """

    course: WardCourse
    film_seed: int

    @property
    def outcome(self) -> Int[np.ndarray, " patients"]:
        """1 = needs intensive care two hours after the file's end."""
        return self.course.outcome

    def best_risk(self, hour: int) -> Float[np.ndarray, " patients"]:
        """The outcome's probability for whoever knows the hidden state at an hour: the ceiling.

        No score that knows the past alone ranks better on average; `risk_given_parts` says why.
        """
        return risk_given_parts(self.course.parts[:, hour], hour=hour)

    def risk_by_values(self, hour: int, *, follow: float) -> Float[np.ndarray, " patients"]:
        """The outcome's probability by an exact reading of the values alone, under a policy.

        Args:
            hour: 1..48; what was measured up to then is read.
            follow: as in `records`. That somebody was measured tells this reader nothing.

        Raises:
            ValueError: a number outside its range.
        """
        if not 1 <= hour <= FILE_H:
            raise ValueError(f"hour={hour}: it lies in 1..{FILE_H}")
        seen = self.course.ordered(follow)[:, :hour, :-1]
        return risk_given_values(self.course.values[:, :hour], seen)

    def records(self, *, follow: float) -> Records:
        """What a ward has on file after 48 hours.

        Args:
            follow: how much ordering follows the staff's concern, -2..2; 0 = by schedule.

        Raises:
            ValueError: follow outside its range.
        """
        course = self.course
        patient, row, channel = np.nonzero(course.ordered(follow)[..., :-1])
        at = (patient, row, channel)
        lines = np.stack([patient, row + course.minutes[at], channel, course.values[at]], axis=1)
        lines = lines[np.lexsort((lines[:, CHANNEL], lines[:, TIME_H], lines[:, PATIENT]))]
        sample = Sample(
            lines, name="simulated/ward_records", kind="simulated", unit="see channels",
            sha256=sha256_of_array(lines), licence=_LICENCE, cite=_CITE,
            note="patient, hours since admission, channel, value; no claim about patients",
        )  # fmt: skip
        return Records(
            sample=sample,
            channels=tuple((name, unit) for name, unit, *_ in CHANNELS),
            outcome=course.outcome,
            names=("stays on the ward", "intensive care"),
            hours=FILE_H,
        )

    def films(self, *, follow: float, until_h: int = 24) -> Films:
        """The chest films that were taken up to an hour, one a day by schedule.

        Args:
            follow: as in `records`.
            until_h: 1..48.

        Raises:
            ValueError: a number outside its range.
        """
        if not 1 <= until_h <= FILE_H:
            raise ValueError(f"until_h={until_h}: it lies in 1..{FILE_H}")
        course = self.course
        patient, row = np.nonzero(course.ordered(follow)[:, :until_h, -1])
        lungs = course.parts[patient, row + 1, PARTS.index("lungs")]
        images, cloudy = chest_films(lungs, rng=np.random.default_rng(self.film_seed))
        sample = Sample(
            images, name="simulated/ward_films", kind="simulated", unit="intensity 0..255",
            sha256=sha256_of_array(images), licence=_LICENCE, cite=_CITE,
            note="chest films of 32 pixels; no claim about patients",
        )  # fmt: skip
        hours = row + course.minutes[patient, row, -1]
        return Films(sample=sample, patients=patient, hours=hours, cloudy=cloudy)


def ward_patients(n: int, *, rng: np.random.Generator) -> WardPatients:
    """n stays of 48 hours; the outcome, intensive care or not, is decided at hour 50.

    Args:
        n: patients, >= 1.
        rng: the source of randomness; the course of patient i does not depend on n.

    Raises:
        ValueError: no patient.

    >>> ward = ward_patients(50, rng=np.random.default_rng(0))
    >>> record, films = ward.records(follow=1.2), ward.films(follow=1.2)
    >>> record.channels[0], len(record), films.sample.array.shape[1:]
    (('heart rate', '/min'), 50, (32, 32))
    """
    pictures = int(rng.integers(2**63))
    return WardPatients(ward_course(n, rng=rng), pictures)
