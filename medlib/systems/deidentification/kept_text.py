"""Texts that stay although the table does not name them: which, and what they must look like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag, Tag

__all__ = [
    "MACHINE_TEXT",
    "is_code_string",
    "is_machine_text",
    "is_published_code",
    "meanings_of_code",
    "names_in",
]

# Short texts (LO, SH) that a machine writes and physics reads. Nobody is asked to type them in, but
# somebody may have: what stands there is held against the patient's own names all the same.
MACHINE_TEXT = frozenset(
    Tag(tag_for_keyword(name))
    for name in (
        "Manufacturer", "ManufacturerModelName", "ConvolutionKernel", "RescaleType",
        "ImagedNucleus",
    )
)  # fmt: skip
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{0,16}")
_LIKE_A_NUMBER = re.compile(r"\d{5,}|[\^=]")  # a record number, a date, a name as DICOM writes it
_FORMS = {
    "DCM": re.compile(r"\d{6}"),
    "SCT": re.compile(r"\d{6,18}"),
    "LN": re.compile(r"\d{1,7}-\d"),
    "RADLEX": re.compile(r"RID\d{1,8}"),
    **dict.fromkeys(("SRT", "SNM3", "99SDM"), re.compile(r"[A-Z]\d?-[0-9A-F]{4,5}")),
}
_WORD = re.compile(r"[^\W\d_]{3,}")


def is_code_string(text: str) -> bool:
    """Whether a text is one that CS allows: capital letters, digits, space and underscore.

    A name in capital letters is one as well: nothing but a list of all terms could tell.

    Example:
        >>> [is_code_string(text) for text in ("AXIAL", "Doe^Jane")]
        [True, False]

    PS3.5, section 6.2.
    """
    return bool(_CODE_STRING.fullmatch(text.strip(" \0")))


def names_in(dataset: Dataset) -> frozenset[str]:
    """The words of every person's name, at any depth, and the patient's ID; small letters.

    Words of fewer than three letters are left out.

    Example:
        >>> image = Dataset()
        >>> image.PatientName, image.PatientID = "Ample^Jo Ex", "A7"
        >>> sorted(names_in(image))
        ['a7', 'ample']
    """
    found: set[str] = set()
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:  # what cannot be read gives no name, and does not stay either
            continue
        if element.VR == "SQ":
            found.update(*map(names_in, element.value))
        elif element.VR == "PN":
            found |= {word.casefold() for word in _WORD.findall(str(element.value or ""))}
        elif tag == (0x0010, 0x0020) and element.value:
            found.add(str(element.value).strip().casefold())
    return frozenset(found)


def is_machine_text(tag: BaseTag, text: str, *, names: Iterable[str]) -> bool:
    """Whether a text may stay: its attribute is on the list, and it says nothing of a patient.

    Args:
        tag: of the attribute.
        text: its value.
        names: of `names_in`: none of them may stand in it as a word.

    Example:
        >>> kernel = Tag(0x00181210)
        >>> [is_machine_text(kernel, text, names={"doe"})
        ...  for text in ("B30f", "B30f Doe", "19610503")]
        [True, False, False]
    """
    if tag not in MACHINE_TEXT or _LIKE_A_NUMBER.search(text):
        return False
    words = {word.casefold() for word in re.findall(r"[^\W_]+", text)}
    return not words & set(names)


def meanings_of_code(scheme: str, value: str) -> tuple[str, ...]:
    """What a published scheme says that a code means; empty if pydicom's lists do not have it.

    Example:
        >>> meanings_of_code("DCM", "121071"), meanings_of_code("LOCAL", "1")
        (('Finding',), ())
    """
    if scheme in ("SRT", "SNM3", "99SDM"):
        scheme, value = "SCT", _from_srt().get(value, "")
    return _meanings().get((scheme, value), ())


def is_published_code(scheme: str, value: str) -> bool:
    """Whether a value is one of a published scheme, or has the form of one.

    Example:
        >>> [is_published_code("SRT", value) for value in ("T-A0100", "Mrs Doe")]
        [True, False]
    """
    form = _FORMS.get(scheme)
    return bool(meanings_of_code(scheme, value) or (form and form.fullmatch(value)))


@cache
def _meanings() -> dict[tuple[str, str], tuple[str, ...]]:
    from pydicom.sr._concepts_dict import concepts  # a seventh of a second: only when asked

    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for scheme, by_name in concepts.items():
        for codes in by_name.values():
            for value, (meaning, _) in codes.items():
                found[scheme, value] = (*found.get((scheme, value), ()), meaning)
    return found


@cache
def _from_srt() -> dict[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return mapping["SRT"]
