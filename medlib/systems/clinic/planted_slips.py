"""Things of the originals that are left in a result, one at a time, as a bug would leave them."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydicom import Dataset

__all__ = ["SLIPS", "Slip", "slipped"]

_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_ONE_LETTER = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})


@dataclass(frozen=True)
class Slip:
    """A slip.

    Attributes:
        kind: what a search must call it.
        left: what is left in the result, made of an original.
        encoding: of its letters.
        put: leaves it there, where more than letters are left.
    """

    kind: str
    left: Callable[[Dataset], str | bytes] | None = None
    encoding: str = "utf-8"
    put: Callable[[Dataset, Sequence[Dataset]], None] | None = None


def _uid_of_another(one: Dataset, originals: Sequence[Dataset]) -> None:
    """A reference that was overlooked, to a slice that is not the first."""
    one.add_new(0x00081155, "UI", originals[len(originals) // 2].SOPInstanceUID)


def _date(one: Dataset, originals: Sequence[Dataset]) -> None:
    one.ContentDate = originals[0].StudyDate


def _time(one: Dataset, originals: Sequence[Dataset]) -> None:
    one.ContentTime = originals[0].StudyTime


def _name_in_an_item(one: Dataset, originals: Sequence[Dataset]) -> None:
    item = Dataset()
    item.PersonName = originals[0].PatientName
    one.PersonIdentificationCodeSequence = [item]


def _names(one: Dataset) -> tuple[str, str]:
    """Family's and given name."""
    family, given = str(one.PatientName).split("^")[:2]
    return family, given


def _birth(one: Dataset) -> datetime:
    return datetime.strptime(one.PatientBirthDate, "%Y%m%d")


def _number(one: Dataset) -> int:
    return int(str(one.StudyInstanceUID).removeprefix("2.25."))


def _seconds(one: Dataset) -> str:
    when = datetime.strptime(one.StudyDate + str(one.StudyTime)[:6], "%Y%m%d%H%M%S")
    return f"seconds={when.replace(tzinfo=UTC).timestamp():.0f}"


SLIPS = {
    "UID of another slice": Slip("uid", put=_uid_of_another),
    "date": Slip("date", put=_date),
    "time of the day": Slip("time", put=_time),
    "name in an item": Slip("name", put=_name_in_an_item),
    "given name first": Slip("name", lambda one: " ".join(reversed(_names(one))).upper()),
    "name without its dots": Slip(
        "name", lambda one: _names(one)[0].lower().translate(_ONE_LETTER)
    ),
    "name with ue for ü": Slip("name", lambda one: _names(one)[0].lower().translate(_TWO_LETTERS)),
    "name, letters spaced": Slip("name", lambda one: " ".join(_names(one)[1])),
    "name in UTF-16": Slip("name", lambda one: "for " + _names(one)[0].lower(), "utf-16-le"),
    "name in JSON": Slip("name", lambda one: json.dumps(_names(one)[0])),
    "name in base64": Slip("name", lambda one: base64.b64encode(" ".join(_names(one)).encode())),
    "name in hexadecimal": Slip("name", lambda one: " ".join(_names(one)).encode().hex()),
    "name, compressed": Slip("name", lambda one: zlib.compress(f"for {_names(one)[1]}".encode())),
    "birth as day.month.year": Slip("date", lambda one: f"{_birth(one):%d.%m.%Y}"),
    "birth as month/day/year": Slip("date", lambda one: f"{_birth(one):%m/%d/%Y}"),
    "birth in words": Slip(
        "date", lambda one: f"{_birth(one):%B} {_birth(one).day}, {_birth(one).year}"
    ),
    "scan in seconds since 1970": Slip("date", _seconds),
    "number without zeros": Slip("id", lambda one: f"record {int(one.PatientID)}"),
    "number with blanks": Slip("id", lambda one: f"{one.PatientID[:3]} {one.PatientID[3:]}"),
    "plain digest of the number": Slip(
        "id", lambda one: hashlib.sha256(one.PatientID.encode()).hexdigest()
    ),
    "number of the order": Slip("id", lambda one: f"order {one.AccessionNumber}"),
    "UID in hexadecimal": Slip("uid", lambda one: f"{_number(one):032X}"),
    "UID as bytes": Slip("uid", lambda one: _number(one).to_bytes(16, "big")),
}


def slipped(slip: str, result: Dataset, originals: Sequence[Dataset]) -> Dataset:
    """A copy of a result with one thing of the originals left in it.

    What is only another writing is left in a private element of bytes, where no dictionary says
    what it is.

    Args:
        slip: one of `SLIPS`.
        result: an object that went out.
        originals: of one study, of a patient with two names, a number of digits and a birthday.

    Raises:
        ValueError: an unknown slip.
    """
    if slip not in SLIPS:
        raise ValueError(f"slip is {slip!r}; one of {', '.join(SLIPS)}")
    found, planted = copy.deepcopy(result), SLIPS[slip]
    if planted.put:
        planted.put(found, originals)
    else:
        left = planted.left(originals[0])
        block = found.private_block(0x0099, "SLIPPED", create=True)
        block.add_new(
            0x01, "OB", left if isinstance(left, bytes) else left.encode(planted.encoding)
        )
    return found
