"""What of the original is still in the bytes of the result: a search that uses no table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal

from pydicom import DataElement, Dataset, dcmread

from medlib.systems.deidentification.keyed_values import is_of_the_standard

__all__ = ["Identifier", "Leak", "identifiers_of", "leaks"]

Kind = Literal["name", "id", "date", "place", "uid", "text"]
_IDS = re.compile(r"ID$|IDs$|Identifier|Number$|Accession|SerialNumber|Barcode")
_PLACES = re.compile(r"Institution|Station|Address|Department|Hospital|Location|Telephone|Country")
_NO_IDS = re.compile(r"^(Series|Instance|Acquisition|Frame|Item|Beam|Slice|Phase|Echo|Overlay)")
_SHORTEST = {"name": 4, "id": 5, "date": 8, "place": 4, "uid": 6, "text": 6}  # below it: chance
_ALWAYS = ("PatientID", "OtherPatientIDs", "StudyID", "AccessionNumber")  # however short
_OWN = ("PatientID", "OtherPatientIDs")  # sought in the place of other numbers as well
_NUMBERS = ("IS", "DS", "US", "UL", "UV", "SS", "SL", "SV", "FL", "FD")
_TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UR", "UT")
_SHORTEST_TEXT = ("LO", "SH", "ST", "LT", "UT", "UC")


@dataclass(frozen=True)
class Identifier:
    """Something of the original that may say who it is.

    Attributes:
        kind: what it is.
        text: as it stands there.
        path: where it stands first.
        own: whether it is a number of the patient.
    """

    kind: Kind
    text: str
    path: str
    own: bool = False


@dataclass(frozen=True)
class Leak:
    """An identifier that is still in the bytes.

    Attributes:
        identifier: which; the only report here that holds a value: do not publish it.
        at: first byte, from 0; -1 where the bytes write the number in another way.
    """

    identifier: Identifier
    at: int


def identifiers_of(original: Dataset) -> tuple[Identifier, ...]:
    """What in a dataset may say who it is, by the kind of value and the name of the attribute.

    Parts of every person's name; dates; UIDs that are not the standard's own; what is called an ID
    or number; what is called an institution, station or address; and texts in private elements.
    Names of fewer than four letters and numbers of fewer than five digits are left out, as they
    stand in any file by chance; but numbers of the patient and the study are in, however short.

    Example:
        >>> image = Dataset()
        >>> image.PatientName, image.StudyDate = "Ample^Ex", "20240503"
        >>> [(each.kind, each.text) for each in identifiers_of(image)]
        [('name', 'Ample'), ('date', '20240503')]
    """
    found: dict[tuple[Kind, str], Identifier] = {}
    for path, element in _elements(original, ""):
        for kind, text in _of_element(element):
            clean = text.strip(" \0\r\n")
            always = bool(clean) and element.keyword in _ALWAYS
            if (always or len(clean) >= _SHORTEST[kind]) and (kind, clean) not in found:
                own = element.keyword in _OWN
                found[kind, clean] = Identifier(kind, clean, path, own)
            elif (kind, clean) in found and element.keyword in _OWN:
                found[kind, clean] = replace(found[kind, clean], own=True)
    return tuple(found.values())


def leaks(original: Dataset, written: bytes) -> tuple[Leak, ...]:
    """The identifiers of an original that stand in the bytes of a file.

    Names are sought in capital and small letters, in the encodings that DICOM files have most.
    Bytes that a syntax deflates, or text drawn into pixels, are not seen. A number of the patient
    that is shorter than others are sought is sought as a word in all texts of the file, since its
    few bytes may stand anywhere among pixels; one of one or two letters as a whole value. A number
    of the patient that is all digits is sought as a whole value of every attribute of numbers as
    well, with or without zeros before it; a short one stands there by chance. A shifted date may be
    another date of the original: such a find is to be judged by its place.

    Args:
        original: as it was before.
        written: the file after, all of it.
    """
    lowered = written.lower()
    found, words, numbers = [], None, None
    for identifier in identifiers_of(original):
        if identifier.own and identifier.text.isdecimal():
            numbers = _numbers(written) if numbers is None else numbers
            if int(identifier.text) in numbers:
                found.append(Leak(identifier, lowered.find(identifier.text.lower().encode())))
                continue
        if len(identifier.text) < _SHORTEST[identifier.kind]:
            words = _words(written) if words is None else words
            wanted = re.escape(identifier.text.lower())
            wanted = rf"(?<!\w){wanted}(?!\w)" if len(identifier.text) > 2 else rf"(?m)^{wanted}$"
            if re.search(wanted, words):
                found.append(Leak(identifier, lowered.find(identifier.text.lower().encode())))
            continue
        for encoding in ("utf-8", "latin-1", "utf-16-le", "iso2022_jp"):
            try:
                wanted = identifier.text.lower().encode(encoding)
            except UnicodeEncodeError:
                continue
            at = lowered.find(wanted)
            if at >= 0:
                found.append(Leak(identifier, at))
                break
    return tuple(found)


def _read(written: bytes) -> list[DataElement]:
    """All elements of a file, at all depths; none of bytes that are no file."""
    try:
        dataset = dcmread(BytesIO(written), force=True)
        elements = [element for _, element in _elements(dataset, "")]
    except Exception:
        return []
    return elements + list(getattr(dataset, "file_meta", None) or []) if elements else []


def _words(written: bytes) -> str:
    """All texts of a file, in small letters; of bytes that are no file, all that can be read."""
    elements = _read(written)
    if not elements:
        return written.decode("latin-1").lower()
    return "\n".join(
        str(value).strip(" \0").lower()
        for element in elements
        if element.VR in _TEXTS
        for value in (element.value if element.VM > 1 else [element.value])
    )


def _numbers(written: bytes) -> set[float]:
    """All values of attributes of numbers."""
    found = set()
    for element in _read(written):
        if element.VR in _NUMBERS:
            for value in element.value if element.VM > 1 else [element.value]:
                with suppress(TypeError, ValueError):
                    found.add(float(value))
    return found


def _of_element(element: DataElement) -> Iterator[tuple[Kind, str]]:
    values = element.value if element.VM > 1 else [element.value]
    texts = [
        str(value)
        for value in values
        if isinstance(value, (str, int)) or hasattr(value, "components")
    ]
    name = element.keyword or ""
    for text in texts:
        if element.VR == "PN":
            yield from (("name", part) for part in re.split(r"[\^= ,.]+", text))
        elif element.VR in ("DA", "DT"):
            yield "date", text.replace(".", "")[:8]
        elif element.VR == "UI":
            if not is_of_the_standard(text):
                yield "uid", text
        elif element.tag.is_private and element.VR in _SHORTEST_TEXT:
            yield "text", text
        elif element.VR in ("LO", "SH", "CS", "ST", "LT", "UT", "UC", "AE", "IS"):
            if _PLACES.search(name):
                yield "place", text
            elif _IDS.search(name) and not _NO_IDS.match(name):
                yield "id", text


def _elements(dataset: Dataset, prefix: str) -> Iterator[tuple[str, DataElement]]:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:  # what cannot be read cannot be sought by value
            continue
        path = f"{prefix}({tag.group:04X},{tag.element:04X})"
        if element.VR == "SQ":
            for i, item in enumerate(element.value):
                yield from _elements(item, f"{path}[{i}].")
        else:
            yield path, element
