"""What the standard's table does with an attribute; the table is that of dicom-anonymizer."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag, Tag

__all__ = ["DESCRIPTORS", "EDITION", "code_of", "table_tags"]

EDITION = "2026c"  # of DICOM, from which the library took the table
_NAMES = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "Z/D",
    "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D",
    "X_Z_D_TAGS": "X/Z/D",
    "X_Z_U_STAR_TAGS": "X/Z/U*",
}
# what the option to clean descriptors may keep words of: a part of that column of the table
DESCRIPTORS = frozenset(
    Tag(tag_for_keyword(name))
    for name in (
        "StudyDescription", "SeriesDescription", "ProtocolName", "DerivationDescription",
        "AcquisitionProtocolDescription", "RequestedProcedureDescription", "ImageComments",
        "PerformedProcedureStepDescription", "ContrastBolusAgent",
    )
)  # fmt: skip


def code_of(tag: BaseTag) -> str | None:
    """The action code of the Basic Application Level Confidentiality Profile for an attribute.

    Returns:
        X remove, Z empty, D dummy, U another UID, or several of these joined by strokes, of which
        the kind of object says which it must be; None if the table does not name the attribute.

    Example:
        >>> [code_of(Tag(tag)) for tag in (0x00100010, 0x00080018, 0x00280010, 0x60023000)]
        ['Z', 'U', None, 'X']

    PS3.15, table E.1-1, edition 2026c.
    """
    if (code := _single().get((tag.group, tag.element))) is not None:
        return code
    for (group, element, group_mask, element_mask), code in _repeating():
        if tag.group & group_mask == group & group_mask and (
            tag.element & element_mask == element & element_mask
        ):
            return code
    return None


def table_tags() -> tuple[BaseTag, ...]:
    """Every attribute of the table that is one and not a range."""
    return tuple(Tag(*pair) for pair in sorted(_single()))


@cache
def _single() -> MappingProxyType[tuple[int, int], str]:
    return MappingProxyType({tag: name for tag, name in _all() if len(tag) == 2})


@cache
def _repeating() -> tuple[tuple[tuple[int, int, int, int], str], ...]:
    return tuple((tag, name) for tag, name in _all() if len(tag) == 4)


def _all() -> list[tuple[tuple[int, ...], str]]:
    table = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    return [(tag, name) for category, name in _NAMES.items() for tag in table[category]]
