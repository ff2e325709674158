"""Does anything of the originals stand in what went out? A search that is shown to find.

What it is shown to find: `planted_slips`.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from pydicom import DataElement, Dataset, dcmread, dcmwrite

from medlib.systems.clinic.other_writings import (
    Form,
    date_form,
    dense,
    folded,
    id_form,
    name_form,
    texts_in,
    time_form,
    uid_form,
    whole_name_form,
)
from medlib.systems.deidentification.validator import identifiers_of

__all__ = ["NameSearch", "bytes_of"]

_SHORTEST_NAME, _SHORTEST_ID = 4, 5  # below it: chance
_SECONDS = re.compile(r"(?<![\w.])(\d{10})(?:\d{3})?(?![\w.])")
_NUMBERS = ("IS", "DS", "US", "UL", "UV", "SS", "SL", "SV", "FL", "FD")


def bytes_of(dataset: Dataset) -> bytes:
    """As a file."""
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


class NameSearch:
    """All that is sought, made ready once and asked of many files.

    Sought are the names, numbers, dates, times, places and UIDs of *every* original, at all depths
    (`identifiers_of` of `deidentification.validator` says what these are), in the writings of
    `other_writings`, and further words in any letters. A number of the patient is sought as the
    value of every attribute of numbers, too, and a short one as a whole word of the file's texts.

    Args:
        originals: all objects of the studies, as they came.
        words: such as names of files.

    Raises:
        ValueError: no originals.

    Example:
        >>> one, other = Dataset(), Dataset()
        >>> one.PatientName, other.StudyDate = "Ample^Ex", "20240503"
        >>> NameSearch([one, other]).finds_in(b"made on 3 May 2024 for Mr AMPLE")
        ('name', 'date')
    """

    def __init__(self, originals: Sequence[Dataset], *, words: Sequence[str] = ()) -> None:
        if not originals:
            raise ValueError("there are no originals: nothing could be found")
        whole = _in_one(originals)
        self._forms: list[Form] = []
        self._short: list[str] = []
        self._values: set[int] = set()
        for one in identifiers_of(whole):
            if one.kind == "name":
                self._forms.append(name_form(one.text))
            elif one.kind == "uid":
                self._forms.append(uid_form(one.text))
            elif one.kind == "id":
                if len(one.text) >= _SHORTEST_ID:
                    self._forms.append(id_form(one.text, digested=one.own))
                else:
                    self._short.append(one.text.lower())
                if one.own and one.text.isdecimal():
                    self._values.add(int(one.text))
            elif one.kind != "date":
                self._forms.append(Form(one.kind, (one.text.lower().encode(),)))
        for name in sorted(_values(whole, "PN")):
            parts = [part for part in re.split(r"[\^= ,.]+", name) if part]
            if len(parts) > 1 and min(map(len, parts[:2])) < _SHORTEST_NAME:
                self._forms.append(whole_name_form(parts))
        self._days = {day[:8] for kind in ("DA", "DT") for day in _values(whole, kind)}
        self._forms += [date_form(day) for day in sorted(self._days) if len(day) == 8]
        self._times = sorted(time for time in _values(whole, "TM") if len(time) >= 6)
        self._forms += [time_form(time) for time in self._times]
        self._forms += [Form("word", (word.lower().encode(),)) for word in words]
        self._told: dict[bytes, tuple[str, ...]] = {}

    def finds_in(self, written: bytes) -> tuple[str, ...]:
        """Kinds of what of the originals stands in the bytes of a file, one entry a find.

        Args:
            written: a file, an object's or any other.

        Returns:
            "name", "uid", "date", "time", "id", "place", "text" or "word".
        """
        digest = hashlib.sha256(written).digest()
        if digest not in self._told:  # the same object lies in the archive and in a folder
            self._told[digest] = tuple(self._finds_in(written))
        return self._told[digest]

    def _finds_in(self, written: bytes) -> Iterator[str]:
        flat = folded(texts_in(written))
        lowered, letters, elements = written.lower(), dense(flat), _elements(written)
        found = [one.kind for one in self._forms if one.stands_in(lowered, flat, letters)]
        yield from found
        for text in self._short:
            whole = rf"(?<!\w){re.escape(text)}(?!\w)" if len(text) > 2 else rf"^{text}$"
            if re.search(whole, _words(elements) if elements else flat, re.MULTILINE):
                yield "id"
        if self._values & _numbers(elements) and "id" not in found:
            yield "id"
        if "date" not in found and any(_day(one) in self._days for one in _SECONDS.findall(flat)):
            yield "date"
        if "time" not in found and any(
            clock.startswith(time[:6]) for clock in _clocks(elements) for time in self._times
        ):
            yield "time"


def _in_one(originals: Sequence[Dataset]) -> Dataset:
    """The first, and of all others what differs, as items of a sequence: a search that looks at all
    depths sees all."""
    first, *others = originals
    whole = Dataset({e.tag: e for e in first if e.keyword != "PixelData"})
    whole.ReferencedImageSequence = [
        Dataset({e.tag: e for e in one if e.keyword != "PixelData" and first.get(e.tag) != e})
        for one in others
    ]
    return whole


def _values(whole: Dataset, kind: str) -> set[str]:
    return {str(one) for e in whole.iterall() if kind == e.VR for one in _each(e) if one}


def _each(element: DataElement) -> list:
    return list(element.value) if element.VM > 1 else [element.value]


def _elements(written: bytes) -> list[DataElement]:
    """All elements of a file of DICOM, at all depths; none of other bytes."""
    try:
        return list(dcmread(io.BytesIO(written)).iterall())
    except Exception:
        return []


def _words(elements: Sequence[DataElement]) -> str:
    """All texts of a file, each on a line, in small letters."""
    return "\n".join(
        str(one).strip(" \0").lower()
        for e in elements
        if e.VR in ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UR", "UT")
        for one in _each(e)
    )


def _numbers(elements: Sequence[DataElement]) -> set[float]:
    found = set()
    for e in elements:
        if e.VR in _NUMBERS:
            for one in _each(e):
                with suppress(TypeError, ValueError):
                    found.add(float(one))
    return found


def _day(seconds: str) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y%m%d}"


def _clocks(elements: Sequence[DataElement]) -> Iterator[str]:
    """What a file holds as times of the day; six digits elsewhere are written by chance."""
    for e in elements:
        if e.VR in ("TM", "DT"):
            for one in _each(e):
                yield str(one)[8 if e.VR == "DT" else 0 :]
