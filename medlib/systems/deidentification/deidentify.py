"""A dataset without the patient's identity, and what was done to each attribute."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydicom import DataElement, Dataset
from pydicom.config import disable_value_validation
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag, Tag

from medlib.systems.deidentification.burned_in import mask, suspicion
from medlib.systems.deidentification.dummies import make_dummy
from medlib.systems.deidentification.file_header import clean_file_header
from medlib.systems.deidentification.kept_text import (
    MACHINE_BYTES,
    is_code_string,
    is_machine_text,
    is_published_code,
    meanings_of_code,
    names_in,
    numbers_in,
    squeezed,
)
from medlib.systems.deidentification.keyed_values import (
    days_back,
    keyed_uid,
    shifted_date,
    shifted_datetime,
)
from medlib.systems.deidentification.marks import mark_deidentified
from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.pixel_tail import cut_tail
from medlib.systems.deidentification.profile import DESCRIPTORS, code_of
from medlib.systems.deidentification.pseudonyms import pseudonym
from medlib.systems.deidentification.refusals import refusal
from medlib.systems.deidentification.removals import why_removed

__all__ = ["Action", "Deidentified", "deidentify"]

_TEXT = ("LT", "ST", "UT", "UC")
_TIME = re.compile(r"(\d\d:?){0,3}(\.\d{1,6})?")
_CODE = tuple(
    Tag(tag_for_keyword(name))
    for name in ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
)
_SCHEME_VERSION = re.compile(r"[\d.-]{0,16}")
_PIXELS = (Tag(0x7FE00008), Tag(0x7FE00009), Tag(0x7FE00010))  # of floats, of doubles, of integers
_BYTES = ("OB", "OW", "OF", "OD", "OL", "OV")
_LEAST_OWN_NUMBER = 1000  # a smaller one stands in attributes of numbers by chance
_PATIENT_ID, _PATIENT_NAME = Tag(0x00100020), Tag(0x00100010)
_BIRTH = (Tag(0x00100030), Tag(0x00100032))
_CONTENT = Tag(0x0040A730)


@dataclass(frozen=True)
class Action:
    """What was done to an attribute; it never holds a value.

    Attributes:
        path: tags, and places in sequences: ``(0040,A730)[0].(0040,A160)``.
        done: what.
        reason: why.
    """

    path: str
    done: Literal["removed", "emptied", "dummy", "replaced", "shifted", "cleaned", "masked", "set"]
    reason: str


@dataclass(frozen=True, eq=False)
class Deidentified:
    """The result.

    Attributes:
        dataset: a new one.
        actions: on every attribute that is not as it was, in the order of the dataset.
    """

    dataset: Dataset
    actions: tuple[Action, ...]


def deidentify(dataset: Dataset, *, key: bytes, options: Options | None = None) -> Deidentified:
    """Remove the patient's identity, in all sequences at all depths.

    The Basic Application Level Confidentiality Profile by a library's table, with what the table
    leaves open closed: all private and unknown attributes go, all overlays and curves; every UID
    that is not the standard's own is replaced, whether or not the table names it. What the table
    does not name and may hold words is emptied: free text, names of persons, short texts (LO, SH,
    AE) but for the few in `kept_text.MACHINE_TEXT`, and those too if they hold a name or number of
    the patient; code strings (CS) that are none; bytes of every kind (OB to OW) but for those in
    `kept_text.MACHINE_BYTES`, whose meaning is that of numbers. Codes keep the meaning that
    their published scheme gives them and no other; local ones lose their words, and none stays that
    equals a number or a date of the header. A decimal or whole number (DS, IS) that equals the
    patient's, of four digits or more, is emptied.
    Patient, UIDs and dates depend on the key alone, so that all files of a study fit together.
    Pixels are not changed unless rectangles are given, and bytes behind them are cut; what may show
    text is refused without rectangles.

    What stays although it could hold a name: a code string in capital letters; a machine's text on
    that list, if the name stands nowhere else in the header as a name; a code of a scheme whose
    list is not whole here, if form and check digit are right; numbers, in binary ones even the
    patient's own; the bytes on the other list; and what a compressed stream holds besides pixels.

    Done twice with one key, the second pass removes and empties nothing more; what is keyed is
    keyed again. It is not anonymity: a face in a head scan, or a rare disease, is left.

    Args:
        dataset: is not changed.
        key: 16 random bytes or more: `secrets.token_bytes(32)`, kept where the data are not.
        options: how.

    Raises:
        ValueError: what cannot be cleaned (`refusals`), pixels under suspicion (`burned_in`), no
            patient, a short key.

    Example:
        >>> image = Dataset()
        >>> image.PatientName, image.PatientID, image.StudyDate = "Ex^Ample", "007", "20240503"
        >>> found = deidentify(image, key=bytes(32))
        >>> found.dataset.StudyDate, found.dataset.PatientID == pseudonym("007", key=bytes(32))
        ('', True)
        >>> [action.path for action in found.actions if action.done == "emptied"]
        ['(0008,0020)']

    DICOM PS3.15, Annex E, edition 2026c of its table.
    """
    options = options or Options()
    if reason := refusal(dataset, structured_text=options.structured_text):
        raise ValueError(f"refused: {reason}")
    under_suspicion = suspicion(dataset)
    if under_suspicion and not options.rectangles and not options.pixels_inspected:
        raise ValueError(
            f"refused: {under_suspicion}, so a name may stand in the pixels. Give rectangles to "
            "paint over, or pixels_inspected=True once somebody has looked at every frame"
        )
    patient = (options.patient or str(dataset.get("PatientID", "") or "")).strip(" \0")
    if not patient:
        raise ValueError("there is no PatientID: say in options.patient whose it is")
    (ids, dates), own = numbers_in(dataset), squeezed(patient)
    cleaner = _Cleaner(
        key, patient, days_back(patient, key=key), options,
        names_in(dataset) | {own}, ids | {own}, dates,
    )  # fmt: skip
    with disable_value_validation():  # what is illegal is replaced or kept, not complained of
        result = copy.deepcopy(dataset)
        cleaner.clean(result, "")
        cleaner.clean_pixels(result, under_suspicion)
        removed = clean_file_header(result, uid=lambda uid: keyed_uid(uid, key=key))
        cleaner.actions += [Action(path, "removed", "of the file") for path in removed]
        mark_deidentified(result, options)
    return Deidentified(result, tuple(cleaner.actions))


@dataclass
class _Cleaner:
    key: bytes
    patient: str
    days: int
    options: Options
    names: frozenset[str]
    ids: frozenset[str]
    dates: frozenset[str]
    actions: list[Action] = field(default_factory=list)

    def clean(self, dataset: Dataset, prefix: str) -> None:
        """Every attribute of a dataset or an item, in place."""
        for tag in list(dataset.keys()):
            path = f"{prefix}({tag.group:04X},{tag.element:04X})"
            if reason := why_removed(tag):
                self._remove(dataset, tag, path, reason)
                continue
            try:
                element = dataset[tag]
            except Exception:  # whatever a broken value raises, it must not stay
                self._remove(dataset, tag, path, "cannot be read")
                continue
            self._one(dataset, element, path, is_top=not prefix)

    def _one(self, dataset: Dataset, element: DataElement, path: str, *, is_top: bool) -> None:
        tag, kind, code = element.tag, element.VR, code_of(element.tag)
        if tag == _PATIENT_ID and (is_top or element.value):
            whose = self.patient if is_top else str(element.value)
            self._set(element, pseudonym(whose, key=self.key), path, "replaced", "keyed pseudonym")
        elif tag == _PATIENT_NAME and is_top:
            name = pseudonym(self.patient, key=self.key)
            self._set(element, name, path, "replaced", "keyed pseudonym")
        elif kind in ("DA", "DT", "TM") and tag not in _BIRTH:
            self._when(dataset, element, path, code)
        elif kind == "UI":
            self._uids(element, path)
        elif tag in DESCRIPTORS and self.options.descriptor_words:
            self._descriptor(element, path)
        elif kind == "SQ" and (code in (None, "X/Z/U*") or tag == _CONTENT):
            self._items(element.value, path)
        elif code is None and tag in _CODE and not is_top:
            return  # of an item, which is looked at as a whole
        elif code is None:
            self._unnamed(dataset, element, path, is_top=is_top)
        else:
            self._by_table(dataset, element, path, code)

    def _items(self, items: Sequence[Dataset], path: str) -> None:
        for i, item in enumerate(items):
            before = f"{path}[{i}]."
            self.clean(item, before)
            self._code(item, before)

    def _code(self, item: Dataset, before: str) -> None:
        """What a code says is what its scheme says of it, or nothing."""
        if not any(tag in item for tag in _CODE):
            return
        scheme, value = (
            str(item.get(name, "") or "").strip(" \0")
            for name in ("CodingSchemeDesignator", "CodeValue")
        )
        published = is_published_code(scheme, value, numbers=self.ids | self.dates)
        meanings = meanings_of_code(scheme, value) if published else ()
        said = str(item.get("CodeMeaning", "") or "").strip(" \0")
        is_right = said.casefold() in map(str.casefold, meanings)
        version = str(item.get("CodingSchemeVersion", "") or "")
        wanted = {
            "CodeValue": value if published else "REMOVED",
            "CodingSchemeDesignator": scheme if published else "99REMOVED",
            "CodingSchemeVersion": version if _SCHEME_VERSION.fullmatch(version) else None,
            "CodeMeaning": said if is_right else (*meanings, "REMOVED")[0],
        }
        reason = "a code says what its scheme says" if published else "word of a local code"
        for name, word in wanted.items():
            if item.get(name) and str(item[name].value).strip(" \0") != word:
                tag = item[name].tag
                path = f"{before}({tag.group:04X},{tag.element:04X})"
                self._set(item[name], word, path, "dummy" if word else "emptied", reason)

    def _by_table(self, dataset: Dataset, element: DataElement, path: str, code: str) -> None:
        reason = f"table: {code}"
        if code == "X":
            self._remove(dataset, element.tag, path, reason)
        elif "D" in code or code == "U":
            make_dummy(element, uid=lambda uid: keyed_uid(uid, key=self.key))
            self.actions.append(Action(path, "dummy", reason))
        else:
            self._set(element, [] if element.VR == "SQ" else None, path, "emptied", reason)

    def _unnamed(self, dataset: Dataset, element: DataElement, path: str, *, is_top: bool) -> None:
        """What the table does not name and may hold words all the same."""
        kind, tag = element.VR, element.tag
        if kind in _TEXT and element.value:
            self._set(element, "REMOVED", path, "dummy", "free text that the table does not name")
        elif kind == "PN" and element.value:
            self._set(element, None, path, "emptied", "a name that the table does not name")
        elif kind in ("LO", "SH", "AE") and element.value:
            if not all(is_machine_text(tag, text, names=self.names) for text in _texts(element)):
                reason = "a short text that the table does not name"
                self._set(element, None, path, "emptied", reason)
        elif kind == "CS" and not all(map(is_code_string, _texts(element))):
            self._set(element, None, path, "emptied", "no code string, in the place of one")
        elif kind in ("DS", "IS") and not _are_numbers(element):
            self._set(element, None, path, "emptied", "words in the place of a number")
        elif kind in ("DS", "IS") and _numbers_of(element) & self._own_numbers:
            self._set(element, None, path, "emptied", "the patient's number in that of another")
        elif kind in ("UR", "UN"):
            self._remove(dataset, tag, path, f"{kind} that the table does not name")
        elif (kind in _BYTES or kind.endswith("OW")) and (
            tag not in MACHINE_BYTES or (tag in _PIXELS and not is_top)
        ):
            self._remove(dataset, tag, path, "bytes that the table does not name")

    @property
    def _own_numbers(self) -> set[float]:
        """The patient's numbers that are long enough to be no other's by chance."""
        return {float(each) for each in self.ids
                if each.isdecimal() and int(each) >= _LEAST_OWN_NUMBER}  # fmt: skip

    def _when(self, dataset: Dataset, element: DataElement, path: str, code: str | None) -> None:
        if self.options.dates == "shift" and element.VR != "TM":
            values = element.value if element.VM > 1 else [element.value]
            moved = [self._moved(str(value), element.VR) for value in values if value]
            if any(value is None for value in moved):
                self._set(element, None, path, "emptied", "no whole date that could be shifted")
            elif moved:
                self._set(element, moved, path, "shifted", "keyed offset of the patient")
        elif self.options.times == "keep" and element.VR == "TM":
            texts = str(element.value or "").strip(" \0[]").replace("'", "").split(", ")
            if not all(_TIME.fullmatch(text) for text in texts):
                self._set(element, None, path, "emptied", "words in the place of a time")
        elif code is not None:
            self._by_table(dataset, element, path, code)
        elif element.value:
            self._set(element, None, path, "emptied", f"{element.VR} that the table does not name")

    def _moved(self, text: str, kind: str) -> str | None:
        if kind == "DA":
            return shifted_date(text, days=self.days)
        return shifted_datetime(text, days=self.days, keep_time=self.options.times == "keep")

    def _uids(self, element: DataElement, path: str) -> None:
        values = element.value if element.VM > 1 else [element.value]
        values = [str(value) for value in values if value]
        keyed = [keyed_uid(value, key=self.key) for value in values]
        if keyed != values:
            self._set(element, keyed, path, "replaced", "keyed UID")

    def _descriptor(self, element: DataElement, path: str) -> None:
        words = re.findall(r"[^\W_]+", str(element.value or "").casefold())
        kept = " ".join(word for word in words if word in self.options.descriptor_words)
        reason = f"{len(words)} words, of which those allowed are kept"
        self._set(element, kept or None, path, "cleaned", reason)

    def clean_pixels(self, dataset: Dataset, under_suspicion: str | None) -> None:
        for path in cut_tail(dataset):
            self.actions.append(Action(path, "cleaned", "bytes behind the last pixel"))
        if self.options.rectangles:
            mask(dataset, self.options.rectangles)
            reason = f"{len(self.options.rectangles)} rectangles, as asked"
            self.actions.append(Action("(7FE0,0010)", "masked", reason))
        elif not under_suspicion:
            return
        reason = "masked" if self.options.rectangles else "inspected, as the caller states"
        dataset.BurnedInAnnotation = "NO"
        self.actions.append(Action("(0028,0301)", "set", reason))

    def _remove(self, dataset: Dataset, tag: BaseTag, path: str, reason: str) -> None:
        del dataset[tag]
        self.actions.append(Action(path, "removed", reason))

    def _set(self, element: DataElement, value: object, path: str, done: str, reason: str) -> None:
        if value is None:
            element.clear()
        else:
            element.value = value
        self.actions.append(Action(path, done, reason))


def _texts(element: DataElement) -> list[str]:
    values = element.value if element.VM > 1 else [element.value]
    return [str(value) for value in values if value]


def _are_numbers(element: DataElement) -> bool:
    """Whether all values of DS or IS are numbers: any text fits into their bytes."""
    try:
        _numbers_of(element)
    except (TypeError, ValueError):
        return False
    return True


def _numbers_of(element: DataElement) -> set[float]:
    """The values of DS or IS; a zero is as good as none."""
    values = element.value if element.VM > 1 else [element.value]
    return {float(value) for value in values if value}
