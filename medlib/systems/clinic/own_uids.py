"""UIDs and times of objects that we write: the same in every run, so that files are the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydicom import Dataset

from medlib.systems.deidentification.keyed_values import keyed_uid

__all__ = ["Stamp", "settle"]

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
        study: UID of the study that it belongs to.
        when: that all times in it say; of the study's arrival, not of the run's clock.
    """

    key: bytes
    study: str
    when: datetime

    def uid(self, purpose: str) -> str:
        """A UID for a purpose: "2.25." and 128 bits of a keyed digest of study and purpose.

        Example:
            >>> stamp = Stamp(bytes(32), "1.2.3", datetime(2024, 5, 3))
            >>> stamp.uid("mask") == stamp.uid("mask"), stamp.uid("mask") == stamp.uid("report")
            (True, False)
        """
        return keyed_uid(f"{self.study} {purpose}", key=self.key)


def settle(dataset: Dataset, stamp: Stamp) -> None:
    """Replace all that a library drew or read from a clock, at every depth.

    Args:
        dataset: is changed. Dates that were copied from the images (of the study, of the patient)
            stay as they are.
        stamp: times, and the UID for the organisation of dimensions.

    Example:
        >>> one = Dataset(); one.ContentDate = "20991231"
        >>> settle(one, Stamp(bytes(32), "1.2.3", datetime(2024, 5, 3)))
        >>> one.ContentDate
        '20240503'
    """
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                settle(item, stamp)
        elif element.keyword == "DimensionOrganizationUID":
            element.value = stamp.uid("organisation of dimensions")
        elif element.keyword == "TimezoneOffsetFromUTC" and element.value:
            element.value = "+0000"
        elif element.keyword in _OURS and element.value:
            element.value = stamp.when.strftime(_TIMES[element.VR])
