"""How to de-identify: each option that keeps more must be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medlib.systems.deidentification.burned_in import Rectangle

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What to remove and what to keep.

    Attributes:
        dates: "remove" them, or "shift" all of a patient's by the same number of whole days.
        times: of the day; "keep" them only with shifted dates, "remove" them otherwise.
        descriptor_words: words that may stay in descriptions of study and series; small letters.
        structured_text: let structured reports pass, with all free text removed.
        rectangles: to be painted over in every frame.
        pixels_inspected: somebody looked at all frames and saw no text; recorded, not checked.
        patient: who it is, if the dataset has no PatientID.
    """

    dates: Literal["remove", "shift"] = "remove"
    times: Literal["remove", "keep"] = "remove"
    descriptor_words: frozenset[str] = frozenset()
    structured_text: bool = False
    rectangles: tuple[Rectangle, ...] = ()
    pixels_inspected: bool = False
    patient: str = ""

    def __post_init__(self) -> None:
        if self.times == "keep" and self.dates == "remove":
            raise ValueError('times can be kept only with dates="shift": alone they say little')
