"""UIDs and times of objects that we write: the same in every run, so that files are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom import Dataset

from medlib.systems.deidentification.keyed_values import days_back, keyed_uid
from medlib.systems.deidentification.pseudonyms import keyed_digest

__all__ = ["Stamp", "digest_of_set", "settle", "shift_of"]

_TIMES = {"DA": "%Y%m%d", "TM": "%H%M%S", "DT": "%Y%m%d%H%M%S"}
_OURS = (
    "ContentDate", "ContentTime", "InstanceCreationDate", "InstanceCreationTime", "SeriesDate",
    "SeriesTime", "ContributionDateTime", "VerificationDateTime", "TimezoneOffsetFromUTC",
)  # fmt: skip


@dataclass(frozen=True)
class Stamp:
    """What makes an object's identity.

    Attributes:
        key: 16 random bytes or more.
        study: name of the study that it belongs to, and of the set of images that was read.
        when: that all times in it say; of the study's arrival, not of the run's clock.
    """

    key: bytes
    study: str
    when: datetime

    def uid(self, purpose: str) -> str:
        """A UID for a purpose: "2.25." and 122 bits of a keyed digest of study and purpose.

        Example:
            >>> stamp = Stamp(bytes(32), "1.2.3", datetime(2024, 5, 3))
            >>> stamp.uid("mask") == stamp.uid("mask"), stamp.uid("mask") == stamp.uid("report")
            (True, False)
        """
        return keyed_uid(f"{self.study} {purpose}", key=self.key)


def shift_of(patient: str, *, key: bytes) -> timedelta:
    """How far all times of a patient move into the past: whole days, and a part of a day.

    The days are those of de-identification. A time of the day, too, says who it was, to whoever
    knows when somebody was scanned. What lies between two times of one patient stays as it was.

    Args:
        patient: the hospital's number.
        key: 16 random bytes or more.

    Example:
        >>> shift_of("0031415", key=bytes(32)) == shift_of("0031415 ", key=bytes(32))
        True
    """
    drawn = keyed_digest(key, "seconds", patient.strip(" \0"))
    seconds = int.from_bytes(drawn[:8], "big") % 86_400
    return timedelta(days=days_back(patient, key=key), seconds=seconds)


def digest_of_set(uids: Iterable[str], *, key: bytes) -> str:
    """Which set of images it was, for whoever has the key: 32 hexadecimal digits, in any order.

    Example:
        >>> one, other = (digest_of_set(uids, key=bytes(32)) for uids in ("12", "21"))
        >>> one == other
        True
    """
    return keyed_digest(key, "set", " ".join(sorted(set(uids)))).hex()[:32]


def settle(dataset: Dataset, stamp: Stamp) -> None:
    """Replace all that a library drew or read from a clock, at every depth, and say so.

    Times that are left were moved (`shift_of`); the attribute made for it says so, as
    de-identification has it of images. What it marked besides was copied from them and stays.

    Args:
        dataset: is changed. Dates that were copied from the images (of the study, of the patient)
            stay as they are.
        stamp: times, and the UID for the organisation of dimensions.

    Example:
        >>> one = Dataset(); one.ContentDate = "20991231"
        >>> settle(one, Stamp(bytes(32), "1.2.3", datetime(2024, 5, 3)))
        >>> one.ContentDate, one.LongitudinalTemporalInformationModified
        ('20240503', 'MODIFIED')

    DICOM PS3.3, C.12.1, attribute (0028,0303).
    """
    _settle(dataset, stamp)
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"


def _settle(dataset: Dataset, stamp: Stamp) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                _settle(item, stamp)
        elif element.keyword == "DimensionOrganizationUID":
            element.value = stamp.uid("organisation of dimensions")
        elif element.keyword == "TimezoneOffsetFromUTC" and element.value:
            element.value = "+0000"
        elif element.keyword in _OURS and element.value:
            element.value = stamp.when.strftime(_TIMES[element.VR])
