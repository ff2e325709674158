"""Does a structured report keep template TID 1500?

The outside validator that the pipeline asks, dciodvfy, does not know the template. Others do, such
as PixelMed's DicomSRValidator; none of them was run on these reports.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset
from scipy.special import expit

from medlib.systems.clinic.structured_report import (
    CONTRIBUTION,
    OFFSET,
    OWN_CODES,
    OWN_SCHEME,
    Measured,
)

__all__ = ["contributions_in", "faults_of_template", "image_of_evidence", "read_report"]

Code = tuple[str, str]
_TITLE: Code = ("126000", "DCM")  # imaging measurement report
_LANGUAGE: Code = ("121049", "DCM")
_OBSERVER: Code = ("121005", "DCM")
_PROCEDURE: Code = ("121058", "DCM")
_LIBRARY: Code = ("111028", "DCM")
_MEASUREMENTS: Code = ("126010", "DCM")
_GROUP: Code = ("125007", "DCM")
_TRACKING: Code = ("112039", "DCM")
_TRACKING_UID: Code = ("112040", "DCM")
_FINDING: Code = ("121071", "DCM")
_SEGMENT: Code = ("121191", "DCM")
_SERIES: Code = ("121232", "DCM")
_CERTAINTY: Code = ("111012", "DCM")
_SOURCE: Code = ("121112", "DCM")
_VOLUME: Code = ("118565006", "SCT")
_NUMBER: Code = ("246206008", "SCT")
_LESION: Code = ("300577008", "SCT")
_PRESENT: Code = ("52101004", "SCT")
_ABSENT: Code = ("272519000", "SCT")
_ROUNDED = 0.05  # per cent; the numbers that are summed are given to four digits
_UNITS = {_CERTAINTY: "%", _VOLUME: "cm3", _NUMBER: "1"}


def faults_of_template(report: Dataset) -> list[str]:
    """What a report lacks of TID 1500, and of what ours promises beyond; empty if nothing.

    Checked are the root (title, template, language, device observer, procedure, library of images),
    each group of measurements (tracking, one finding), each number (a unit that fits what is
    measured, one number), that the marked volume names its segment and the series behind it, and
    that all objects named stand in the evidence. Beyond the template: what is said to have been
    added to the log-odds must sum to the probability; where no lesion is said to be present, none
    may be measured, and one where there is; and no *Finding* may name what is said to be absent.

    Args:
        report: as read from a file or from an archive.

    Example:
        >>> faults_of_template(Dataset())
        ['the root is no container of an imaging measurement report']

    DICOM PS3.16, TID 1500, TID 1501, TID 1411, TID 300.
    """
    if report.get("ValueType") != "CONTAINER" or _name(report) != _TITLE:
        return ["the root is no container of an imaging measurement report"]
    faults = []
    template = report.get("ContentTemplateSequence")
    if not template or str(template[0].get("TemplateIdentifier", "")) != "1500":
        faults.append("the root does not name template 1500")
    below = {_name(item): item for item in report.get("ContentSequence", ())}
    for name, what in (
        (_LANGUAGE, "a language"), (_OBSERVER, "an observer"), (_PROCEDURE, "the procedure"),
        (_LIBRARY, "a library of images"), (_MEASUREMENTS, "imaging measurements"),
    ):  # fmt: skip
        if name not in below:
            faults.append(f"the root lacks {what}")
    if _MEASUREMENTS not in below:
        return faults
    groups = list(below[_MEASUREMENTS].get("ContentSequence", ()))
    if not groups or any(_name(group) != _GROUP for group in groups):
        faults.append("imaging measurements hold something else than groups, or nothing")
    for number, group in enumerate(groups, 1):
        faults += [f"group {number} {fault}" for fault in _of_group(group)]
    evidence = set(_evidence(report))
    for one in _images(report):
        if one not in evidence:
            faults.append("an object that is named is not in the evidence")
            break
    return faults + list(_contradictions(report))


def _contradictions(report: Dataset) -> Iterator[str]:
    """Between what the report says in one place and in another."""
    said = {_name(item): item for item in _all_items(report)}
    parts = contributions_in(report)
    if parts and OFFSET not in parts:
        yield "the report says what was added to the log-odds, but not to which offset"
    elif parts and _CERTAINTY not in said:
        yield "the report says what was added to the log-odds, but not the certainty"
    elif parts:
        certainty, whole = _value(said[_CERTAINTY]), 100 * float(expit(sum(parts.values())))
        if abs(certainty - whole) > _ROUNDED:
            yield f"what was added gives {whole:.2f} %, the certainty is {certainty:.2f} %"
    if _LESION in said and _NUMBER in said:
        present = _code(said[_LESION], "ConceptCodeSequence") == _PRESENT
        number = round(_value(said[_NUMBER]))
        if present != bool(number):
            word = "present" if present else "absent"
            yield f"a lesion is {word}, and the number of lesions is {number}"
    if _LESION in said:
        answer = _code(said[_LESION], "ConceptCodeSequence")
        for item in _all_items(report):
            found = _code(item, "ConceptCodeSequence")
            if _name(item) == _FINDING and (found == _ABSENT) != (answer == _ABSENT):
                word = "absent" if answer == _ABSENT else "present"
                meaning = item.ConceptCodeSequence[0].CodeMeaning
                yield f"a lesion is {word}, and a coded finding is {meaning}"
                break


def _value(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].NumericValue)


def _of_group(group: Dataset) -> Iterator[str]:
    items = list(group.get("ContentSequence", ()))
    by_name = {_name(item): item for item in items}
    for name, what in (
        (_TRACKING, "an identifier to track it by"), (_TRACKING_UID, "a UID to track it by"),
        (_FINDING, "a finding"),
    ):  # fmt: skip
        if name not in by_name:
            yield f"lacks {what}"
    numbers = [item for item in items if item.get("ValueType") == "NUM"]
    if not numbers:
        yield "measures nothing"
    for item in numbers:
        values = item.get("MeasuredValueSequence", ())
        if len(values) != 1:
            yield f"has {len(values)} values for one measurement"
            continue
        unit = values[0].MeasurementUnitsCodeSequence[0]
        wanted = _UNITS.get(_name(item))
        if unit.CodingSchemeDesignator != "UCUM" or wanted not in (None, unit.CodeValue):
            yield f"measures {item.ConceptNameCodeSequence[0].CodeMeaning} in {unit.CodeValue}"
    if _VOLUME in by_name and (_SEGMENT not in by_name or _SERIES not in by_name):
        yield "has a volume, but not the segment or the series that it was taken from"


def read_report(report: Dataset) -> Measured:
    """What a report says, as another program would read it: by codes, not by places.

    Raises:
        ValueError: a measurement is missing, or there twice.
    """
    found: dict[Code, float] = {}
    for item in _all_items(report):
        if item.get("ValueType") == "NUM" and _name(item) in _UNITS:
            if _name(item) in found:
                raise ValueError(f"{_name(item)} is there twice")
            found[_name(item)] = float(item.MeasuredValueSequence[0].NumericValue)
    if missing := _UNITS.keys() - found.keys():
        raise ValueError(f"the report lacks {sorted(missing)}")
    return Measured(found[_VOLUME], round(found[_NUMBER]), found[_CERTAINTY] / 100)


def contributions_in(report: Dataset) -> dict[str, float]:
    """What each number added to the log-odds of the finding, in nats, by its name.

    The name is that of the code; a code of ours that we do not know goes by its words.
    """
    meaning = {code: name for name, code in OWN_CODES.items()}
    found = {}
    for item in _all_items(report):
        if item.get("ValueType") == "NUM" and _name(item)[1] == OWN_SCHEME:
            words = str(item.ConceptNameCodeSequence[0].CodeMeaning).removeprefix(CONTRIBUTION)
            found[meaning.get(_name(item)[0], words)] = _value(item)
    return found


def image_of_evidence(report: Dataset) -> str | None:
    """SOP instance UID of the image on which the certainty rests; None if none is named.

    Raises:
        ValueError: several are named.
    """
    found = [
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in _all_items(report)
        if item.get("ValueType") == "IMAGE" and _name(item) == _SOURCE
    ]
    if len(found) > 1:
        raise ValueError(f"{len(found)} images are named as the source of the certainty")
    return found[0] if found else None


def _name(item: Dataset) -> Code:
    return _code(item, "ConceptNameCodeSequence")


def _code(item: Dataset, where: str) -> Code:
    concept = item.get(where)
    if not concept:
        return ("", "")
    return str(concept[0].get("CodeValue", "")), str(concept[0].get("CodingSchemeDesignator", ""))


def _all_items(item: Dataset) -> Iterator[Dataset]:
    for below in item.get("ContentSequence", ()):
        yield below
        yield from _all_items(below)


def _images(report: Dataset) -> Iterator[str]:
    for item in _all_items(report):
        for one in item.get("ReferencedSOPSequence", ()):
            yield str(one.ReferencedSOPInstanceUID)


def _evidence(report: Dataset) -> Iterator[str]:
    for name in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in report.get(name, ()):
            for series in study.ReferencedSeriesSequence:
                for one in series.ReferencedSOPSequence:
                    yield str(one.ReferencedSOPInstanceUID)
