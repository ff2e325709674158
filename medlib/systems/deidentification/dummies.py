"""A legal value that says nothing, for each kind of value that DICOM has."""

from __future__ import annotations

from collections.abc import Callable

from pydicom import DataElement, Dataset

__all__ = ["DUMMIES", "make_dummy"]

DUMMIES: dict[str, str | bytes | int] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), "REMOVED"),
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101",
    "TM": "000000",
    "UR": "http://removed.invalid",
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV", "AT"), 0),
    **dict.fromkeys(("OB", "OV", "OW", "OL", "OF", "OD", "UN"), bytes(8)),
}


def make_dummy(element: DataElement, *, uid: Callable[[str], str]) -> None:
    """Put a dummy in the place of an element's value; in a sequence, of every value at all depths.

    Args:
        element: is changed.
        uid: gives another UID for one.

    Raises:
        ValueError: a kind of value for which there is no dummy.

    Example:
        >>> element = DataElement(0x00081030, "LO", "Mrs Example's knee")
        >>> make_dummy(element, uid=str)
        >>> element.value
        'REMOVED'
    """
    if element.VR == "SQ":
        for item in element.value:
            _dummies(item, uid=uid)
    elif element.VR == "UI":
        values = element.value if element.VM > 1 else [element.value]
        element.value = [uid(str(value)) for value in values if value]
    elif element.VR in DUMMIES:
        element.value = DUMMIES[element.VR]
    else:
        raise ValueError(f"there is no dummy for a value of kind {element.VR}")


def _dummies(item: Dataset, *, uid: Callable[[str], str]) -> None:
    for tag in list(item.keys()):
        if tag.is_private:
            del item[tag]
        elif item[tag].VR in DUMMIES or item[tag].VR in ("SQ", "UI"):
            make_dummy(item[tag], uid=uid)
        else:
            del item[tag]
