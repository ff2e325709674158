"""A unique value wherever words may stand, at every depth; and which of them are left."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from pydicom import Dataset
from pydicom.datadict import DicomDictionary, dictionary_has_tag, dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian

from medlib.systems.deidentification.keyed_values import LONGEST_SHIFT
from medlib.systems.deidentification.profile import code_of, table_tags

__all__ = ["Canary", "Left", "canaries_left", "plant_canaries"]

_OUTER, _INNER = Tag(0x00081115), Tag(0x00081199)  # referenced series, referenced images
_CREATOR, _PRIVATE_TEXT, _PRIVATE_ITEMS = Tag(0x00990010), Tag(0x00991001), Tag(0x00991002)
_OF_RANGES = (  # of the table's ranges: a curve's label, an overlay, its comment, an image's number
    (Tag(0x50022500), "LO"), (Tag(0x60023000), "OB"), (Tag(0x60024000), "LT"),
)  # fmt: skip
# what the table does not name, and may hold words or bytes; not what decides of pixels or refusal
_BYTES = ("OB", "OW", "OF", "OD", "OL", "OV")
_UNNAMED_KINDS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", *_BYTES)
_DECIDE = frozenset(
    ("SpecificCharacterSet", "ImageType", "Modality", "ConversionType", "BurnedInAnnotation",
     "PhotometricInterpretation", "MIMETypeOfEncapsulatedDocument", "PatientIdentityRemoved",
     "LongitudinalTemporalInformationModified", "PixelData", "FloatPixelData",
     "DoubleFloatPixelData")
)  # fmt: skip
_META_TEXT = Tag(0x00020016)  # source application entity title
_IN_BYTES = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "UI", "UN", *_BYTES)
_AS_LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")
_FIRST_DATE = date(20, 1, 1)


@dataclass(frozen=True)
class Canary:
    """A value that stands nowhere else.

    Attributes:
        path: where it was planted.
        kind: DICOM's two letters.
        value: the value.
    """

    path: str
    kind: str
    value: str | bytes | int


@dataclass(frozen=True)
class Left:
    """A canary that is still there.

    Attributes:
        canary: which.
        where: path of the element that holds it, or "bytes".
    """

    canary: Canary
    where: str


def plant_canaries(dataset: Dataset) -> tuple[Dataset, tuple[Canary, ...]]:
    """A copy of a dataset with a unique value in every attribute of the table, and beside it.

    At the top, in a sequence and in a sequence of that; in private elements, and in a private
    sequence with the same three depths; in the file's meta information; in three attributes of the
    table's ranges; behind the last pixel. At the same depths also in every attribute that DICOM's
    dictionary has and the table does not name, if it may hold words or bytes. Each value is legal
    for its kind. Dates are more than the longest shift apart, so that none becomes another.

    Args:
        dataset: is not changed; its own values in these attributes are overwritten in the copy.

    Example:
        >>> planted, canaries = plant_canaries(Dataset())
        >>> len(canaries) > 8000, len({canary.value for canary in canaries}) == len(canaries)
        (True, True)
    """
    planted = copy.deepcopy(dataset)
    canaries: list[Canary] = []
    if getattr(planted, "file_meta", None) is None:
        planted.file_meta = FileMetaDataset()
        planted.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    draw = _Draw(canaries)
    planted.file_meta.add_new(_META_TEXT, "AE", draw(_META_TEXT, "AE", "(0002,0016)"))
    _plant(planted, "", depth=2, draw=draw)
    for prefix, target in _places(planted):
        target.add_new(_CREATOR, "LO", "CANARIES")
        path = f"{prefix}(0099,1001)"
        target.add_new(_PRIVATE_TEXT, "LO", draw(_PRIVATE_TEXT, "LO", path))
    for tag, kind in _OF_RANGES:
        path = f"({tag.group:04X},{tag.element:04X})"
        planted.add_new(tag, kind, draw(tag, kind, path))
    if "PixelData" in planted:
        planted.PixelData += draw(Tag(0x7FE00010), "OB", "(7FE0,0010)")
    item = Dataset()
    _plant(item, "(0099,1002)[0].", depth=1, draw=draw)
    planted.add_new(_PRIVATE_ITEMS, "SQ", [item])
    return planted, tuple(canaries)


def canaries_left(dataset: Dataset, canaries: Sequence[Canary]) -> tuple[Left, ...]:
    """The canaries that are still in a dataset: in an element, the meta information, or the bytes.

    Elements are compared by value, whatever their tag. In the bytes of the file that it makes, all
    texts, UIDs and byte strings are sought; dates, times and numbers are not, as their few digits
    stand in other values by chance.

    Args:
        dataset: to be searched, such as the outcome of a de-identification.
        canaries: of `plant_canaries`.
    """
    by_value: dict[str | bytes | int, list[str]] = {}
    _collect(dataset, "", by_value)
    if getattr(dataset, "file_meta", None) is not None:
        _collect(dataset.file_meta, "", by_value)
    written = io.BytesIO()
    dataset.save_as(written)
    data = written.getvalue()
    left = []
    for canary in canaries:
        places = by_value.get(canary.value, [])
        if not places and canary.kind in _IN_BYTES:
            value = canary.value
            text = value if isinstance(value, bytes) else str(value).encode()
            places = ["bytes"] if text in data else []
        left += [Left(canary, place) for place in places]
    return tuple(left)


class _Draw:
    """The next unique value of a kind."""

    def __init__(self, canaries: list[Canary]) -> None:
        self.canaries, self.dates = canaries, 0

    def __call__(
        self, tag: BaseTag, kind: str, path: str, *, letters: bool = False
    ) -> str | bytes | int:
        n = len(self.canaries)
        if kind in ("DA", "DT"):
            self.dates += 1
            day = _FIRST_DATE + timedelta(days=self.dates * (LONGEST_SHIFT + 1))
            text = f"{day.year:04d}{day.month:02d}{day.day:02d}"
            value = text if kind == "DA" else f"{text}112233.{n:06d}"
        else:
            value = _FORMS.get(kind, lambda n: f"CANARY{n:06d}")(n)
            if letters and isinstance(value, str):  # as a name would be, without digits
                value = value.translate(_AS_LETTERS)
        self.canaries.append(Canary(path, kind, value))
        return value


_FORMS: dict[str, Callable[[int], str | bytes | int]] = {
    "PN": lambda n: f"BEARER{n:06d}",  # no word of a name may stand in another canary
    "AS": lambda n: f"{n % 1000:03d}{'DWMY'[n // 1000 % 4]}",
    "TM": lambda n: f"112233.{n:06d}",
    "DS": lambda n: f"77.{n:06d}",
    "IS": lambda n: f"77{n:06d}",
    "UI": lambda n: f"1.2.826.0.1.999999.{1000000 + n}",
    "UR": lambda n: f"http://canary{n:06d}.invalid",
    # as long as two numbers of the longest kind, so that it is legal for each
    **dict.fromkeys(("UN", *_BYTES), lambda n: b"OCTETS%010d" % n),
    "US": lambda n: 30000 + n,
}


def _plant(dataset: Dataset, prefix: str, *, depth: int, draw: _Draw) -> None:
    """Canaries in all attributes of the table and beside it, here and in items down to a depth."""
    for tag in _unnamed_tags():
        kind = _one_kind(dictionary_VR(tag))
        path = f"{prefix}({tag.group:04X},{tag.element:04X})"
        dataset.add_new(tag, kind, draw(tag, kind, path, letters=True))
    for tag in table_tags():
        if tag.group in (0x0000, 0x0002):
            continue  # of messages, and of the file
        kind = dictionary_VR(tag) if dictionary_has_tag(tag) else "LO"  # the table may be newer
        path = f"{prefix}({tag.group:04X},{tag.element:04X})"
        if kind == "SQ":
            item = Dataset()
            for inner, inner_kind in ((0x0040A160, "UT"), (0x00080104, "LO"), (0x00081030, "LO")):
                place = f"{path}[0].({inner >> 16:04X},{inner & 0xFFFF:04X})"
                item.add_new(inner, inner_kind, draw(Tag(inner), inner_kind, place))
            dataset.add_new(tag, "SQ", [item])
        else:
            dataset.add_new(tag, kind, draw(tag, kind, path))
    if depth:
        outer = _OUTER if depth == 2 else _INNER
        item = Dataset()
        _plant(item, f"{prefix}({outer.group:04X},{outer.element:04X})[0].", depth=depth - 1,
               draw=draw)  # fmt: skip
        dataset.add_new(outer, "SQ", [item])


@cache
def _unnamed_tags() -> tuple[BaseTag, ...]:
    """Attributes of the dictionary that the table does not name and that may hold words."""
    return tuple(
        tag
        for tag, (kind, _, _, _, name) in ((Tag(t), entry) for t, entry in DicomDictionary.items())
        if _one_kind(kind) in _UNNAMED_KINDS and tag.group > 0x0006 and code_of(tag) is None
        and name not in _DECIDE
    )  # fmt: skip


def _one_kind(kind: str) -> str:
    """Of the kinds that an attribute may have, bytes if they are among them."""
    return "OW" if kind.endswith("OW") else kind


def _places(planted: Dataset) -> list[tuple[str, Dataset]]:
    """The dataset and its two items, one in the other."""
    outer = planted[_OUTER].value[0]
    first = "(0008,1115)[0]."
    return [("", planted), (first, outer), (f"{first}(0008,1199)[0].", outer[_INNER].value[0])]


def _collect(dataset: Dataset, prefix: str, found: dict[str | bytes | int, list[str]]) -> None:
    for element in dataset:
        path = f"{prefix}({element.tag.group:04X},{element.tag.element:04X})"
        if element.VR == "SQ":
            for i, item in enumerate(element.value):
                _collect(item, f"{path}[{i}].", found)
            continue
        for value in element.value if element.VM > 1 else [element.value]:
            plain = value if isinstance(value, (bytes, int)) else str(value)
            if element.VR in ("DS", "IS"):
                plain = getattr(value, "original_string", str(value))
            found.setdefault(plain, []).append(path)
