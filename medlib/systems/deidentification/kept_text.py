"""Texts that stay although the table does not name them: which, and what they must look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from pydicom import DataElement, Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag, Tag

from medlib.systems.deidentification.code_forms import has_form_of_a_code

__all__ = [
    "MACHINE_BYTES",
    "MACHINE_TEXT",
    "is_code_string",
    "is_machine_text",
    "is_published_code",
    "meanings_of_code",
    "names_in",
    "numbers_in",
    "squeezed",
]


def _tags(*names: str) -> frozenset[BaseTag]:
    return frozenset(Tag(tag_for_keyword(name)) for name in names)


# Short texts (LO, SH) that a machine writes and physics reads. Nobody is asked to type them in, but
# somebody may have: what stands there is held against the patient's own names all the same.
MACHINE_TEXT = _tags(
    "Manufacturer", "ManufacturerModelName", "ConvolutionKernel", "RescaleType", "ImagedNucleus"
)
# Bytes whose meaning is that of numbers: pixels, curves, tables of colours, points of a surface.
MACHINE_BYTES = _tags(
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "WaveformData", "WaveformPaddingValue", "ChannelMinimumValue",
    "ChannelMaximumValue", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "AlphaPaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "SegmentedAlphaPaletteColorLookupTableData",
    "LUTData", "TrianglePointIndexList", "EdgePointIndexList", "VertexPointIndexList",
    "PrimitivePointIndexList", "LongTrianglePointIndexList", "LongEdgePointIndexList",
    "LongVertexPointIndexList", "LongPrimitivePointIndexList", "TrackPointIndexList",
    "AnnotationIndexList", "PointCoordinatesData", "DoublePointCoordinatesData",
    "VectorCoordinateData", "FloatingPointValues", "VectorGridData", "SpectroscopyData",
    "FirstOrderPhaseCorrectionAngle", "UValueData", "VValueData",
)  # fmt: skip
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{0,16}")
_LIKE_A_NUMBER = re.compile(r"\d{5,}|[\^=]")  # a record number, a date, a name as DICOM writes it
_OWN_NUMBERS = _tags("PatientID", "OtherPatientIDs", "AccessionNumber")
_SHORTEST_INSIDE = 3  # letters or digits; a shorter name is sought as a whole word


def is_code_string(text: str) -> bool:
    """Whether a text is one that CS allows: capital letters, digits, space and underscore.

    A name in capital letters is one as well: nothing but a list of all terms could tell.

    Example:
        >>> [is_code_string(text) for text in ("AXIAL", "Doe^Jane")]
        [True, False]

    PS3.5, section 6.2.
    """
    return bool(_CODE_STRING.fullmatch(text.strip(" \0")))


def squeezed(text: str) -> str:
    """A text with all but its letters and digits taken out, in small letters.

    Example:
        >>> squeezed("Scan MRN-4711")
        'scanmrn4711'
    """
    return "".join(re.findall(r"[^\W_]+", text.casefold()))


def names_in(dataset: Dataset) -> frozenset[str]:
    """The words of every person's name, at any depth, and the patient's numbers, as `squeezed`.

    Words of one letter are left out. Two words of two letters stand there as one as well, since
    together they can be sought inside other words.

    Example:
        >>> image = Dataset()
        >>> image.PatientName, image.PatientID = "Ng^Li A", "A-7"
        >>> sorted(names_in(image))
        ['a7', 'li', 'ling', 'ng', 'ngli']
    """
    found: set[str] = set()
    for element in _every(dataset):
        if element.VR == "PN":
            text = str(element.value or "").casefold()
            words = set(re.findall(r"[^\W_]{2,}", text)) | set(re.findall(r"[^\W\d_]{2,}", text))
            short = {word for word in words if len(word) < _SHORTEST_INSIDE}
            found |= words | {one + other for one in short for other in short if one != other}
    ids, _ = numbers_in(dataset)
    return frozenset(found | ids)


def numbers_in(dataset: Dataset) -> tuple[frozenset[str], frozenset[str]]:
    """The patient's own numbers, as `squeezed`, and all dates, eight digits each; at any depth.

    Zeros before a number may be lost on the way, so that it stands there without them as well.

    Example:
        >>> image = Dataset()
        >>> image.PatientID, image.StudyDate = "00-4711", "20240503"
        >>> [sorted(found) for found in numbers_in(image)]
        [['004711', '4711'], ['20240503']]
    """
    ids, dates = set(), set()
    for element in _every(dataset):
        for value in element.value if element.VM > 1 else [element.value]:
            text = squeezed(str(value or ""))
            if element.tag in _OWN_NUMBERS:
                ids |= {text, text.lstrip("0")}
            elif element.VR in ("DA", "DT") and text[:8].isdecimal():
                dates.add(text[:8])
    return frozenset(ids - {""}), frozenset(dates)


def _every(dataset: Dataset) -> Iterator[DataElement]:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:  # what cannot be read gives no name, and does not stay either
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _every(item)
        else:
            yield element


def is_machine_text(tag: BaseTag, text: str, *, names: Iterable[str]) -> bool:
    """Whether a text may stay: its attribute is on the list, and it says nothing of a patient.

    Args:
        tag: of the attribute.
        text: its value.
        names: of `names_in`. Those of three letters or digits and more may not stand in it, even
            inside a word or across spaces and signs; shorter ones not as a word.

    Example:
        >>> kernel = Tag(0x00181210)
        >>> [is_machine_text(kernel, text, names={"doe", "li"})
        ...  for text in ("B30f", "D-oeJ", "Li 1", "Lion", "19610503")]
        [True, False, False, True, False]
    """
    if tag not in MACHINE_TEXT or _LIKE_A_NUMBER.search(text):
        return False
    small, whole = text.casefold(), squeezed(text)
    words = set(re.findall(r"[^\W_]+", small)) | set(re.findall(r"[^\W\d_]+|\d+", small))
    return not any(
        name in words or (len(name) >= _SHORTEST_INSIDE and name in whole)
        for name in map(squeezed, names)
        if name
    )


def meanings_of_code(scheme: str, value: str) -> tuple[str, ...]:
    """What a published scheme says that a code means; empty if pydicom's lists do not have it.

    Example:
        >>> meanings_of_code("DCM", "121071"), meanings_of_code("LOCAL", "1")
        (('Finding',), ())
    """
    if scheme in ("SRT", "SNM3", "99SDM"):
        scheme, value = "SCT", _from_srt().get(value, "")
    return _meanings().get((scheme, value), ())


def is_published_code(scheme: str, value: str, *, numbers: Iterable[str] = ()) -> bool:
    """Whether a value is one of a published scheme, or has the form of one.

    DICOM's own codes (DCM) must stand in pydicom's list. The lists of larger schemes are not whole
    there, so that a value that they do not hold may stay if its form and check digit are right.

    Args:
        scheme: its designator, such as SCT.
        value: the code.
        numbers: numbers and dates of the header, of three characters and more, that no code may be
            equal to, published or not.

    Example:
        >>> [is_published_code("SRT", value) for value in ("T-A0100", "Mrs Doe")]
        [True, False]
        >>> [is_published_code(*code) for code in (("DCM", "471147"), ("SCT", "19610503"))]
        [False, False]
    """
    plain = squeezed(value)
    if any(len(number) >= _SHORTEST_INSIDE and number == plain for number in numbers):
        return False
    return bool(meanings_of_code(scheme, value)) or has_form_of_a_code(scheme, value)


@cache
def _meanings() -> dict[tuple[str, str], tuple[str, ...]]:
    from pydicom.sr._concepts_dict import concepts  # a seventh of a second: only when asked

    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for scheme, by_name in concepts.items():
        for codes in by_name.values():
            for value, (meaning, _) in codes.items():
                if value:
                    found[scheme, value] = (*found.get((scheme, value), ()), meaning)
    return found


@cache
def _from_srt() -> dict[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return mapping["SRT"]
