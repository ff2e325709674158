"""What of the original is still in the bytes of the result: a search that uses no table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydicom import DataElement, Dataset

from medlib.systems.deidentification.keyed_values import is_of_the_standard

__all__ = ["Identifier", "Leak", "identifiers_of", "leaks"]

Kind = Literal["name", "id", "date", "place", "uid", "text"]
_IDS = re.compile(r"ID$|IDs$|Identifier|Number$|Accession|SerialNumber|Barcode")
_PLACES = re.compile(r"Institution|Station|Address|Department|Hospital|Location|Telephone|Country")
_NO_IDS = re.compile(r"^(Series|Instance|Acquisition|Frame|Item|Beam|Slice|Phase|Echo|Overlay)")
_SHORTEST = {"name": 4, "id": 5, "date": 8, "place": 4, "uid": 6, "text": 6}  # below it: chance
_SHORTEST_TEXT = ("LO", "SH", "ST", "LT", "UT", "UC")


@dataclass(frozen=True)
class Identifier:
    """Something of the original that may say who it is.

    Attributes:
        kind: what it is.
        text: as it stands there.
        path: where it stands first.
    """

    kind: Kind
    text: str
    path: str


@dataclass(frozen=True)
class Leak:
    """An identifier that is still in the bytes.

    Attributes:
        identifier: which; the only report here that holds a value: do not publish it.
        at: first byte, from 0.
    """

    identifier: Identifier
    at: int


def identifiers_of(original: Dataset) -> tuple[Identifier, ...]:
    """What in a dataset may say who it is, by the kind of value and the name of the attribute.

    Parts of every person's name; dates; UIDs that are not the standard's own; what is called an ID
    or number; what is called an institution, station or address; and texts in private elements.
    What is shorter than four letters or five digits is left out: it stands in any file by chance.

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
            if len(clean) >= _SHORTEST[kind] and (kind, clean) not in found:
                found[kind, clean] = Identifier(kind, clean, path)
    return tuple(found.values())


def leaks(original: Dataset, written: bytes) -> tuple[Leak, ...]:
    """The identifiers of an original that stand in the bytes of a file.

    Names are sought in capital and small letters, in the encodings that DICOM files have most.
    Bytes that a syntax deflates, or text drawn into pixels, are not seen. A shifted date may be
    another date of the original: such a find is to be judged by its place.

    Args:
        original: as it was before.
        written: the file after, all of it.
    """
    lowered = written.lower()
    found = []
    for identifier in identifiers_of(original):
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
