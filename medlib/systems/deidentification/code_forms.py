"""What a code of a published scheme looks like: its form, and its check digit where it has one."""

from __future__ import annotations

import re

__all__ = ["has_form_of_a_code"]

_FORMS = {
    "SCT": re.compile(r"[1-9]\d{5,17}"),
    "LN": re.compile(r"\d{1,7}-\d"),
    "RADLEX": re.compile(r"RID\d{1,8}"),
    **dict.fromkeys(("SRT", "SNM3", "99SDM"), re.compile(r"[A-Z]\d?-[0-9A-F]{4,5}")),
}
_KINDS_OF_CONCEPT = ("00", "10")  # third and second digit from the right; others are no concepts
_SHUFFLE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)  # Verhoeff's permutation


def has_form_of_a_code(scheme: str, value: str) -> bool:
    """Whether a value has the form of a scheme's codes; never for a scheme whose form is not known.

    SNOMED's (SCT) and LOINC's (LN) end in a check digit, of which one in ten random numbers has the
    right one; of SNOMED's the two digits before it tell a concept from the rest.

    Args:
        scheme: its designator in DICOM.
        value: the code.

    Example:
        >>> [has_form_of_a_code("SCT", value) for value in ("10200004", "19610503", "10200005")]
        [True, False, False]
        >>> [has_form_of_a_code("LN", value) for value in ("18747-6", "18747-7")]
        [True, False]

    SNOMED CT's release file specification, section 2 (SCTID); LOINC's users' guide; Verhoeff 1969,
    Error detecting decimal codes.
    """
    form = _FORMS.get(scheme)
    if not (form and form.fullmatch(value)):
        return False
    if scheme == "SCT":
        return value[-3:-1] in _KINDS_OF_CONCEPT and _verhoeff(value) == 0
    return scheme != "LN" or _luhn(value.replace("-", "")) == 0


def _verhoeff(digits: str) -> int:
    """0 if the last digit is the check digit of the others: products in the dihedral group D5."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = _SHUFFLE[digit]
        check = _product(check, digit)
    return check


def _product(a: int, b: int) -> int:
    """Of two symmetries of the pentagon: 0-4 turn it, 5-9 turn it over."""
    if a < 5:
        return (a + b) % 5 + (5 if b >= 5 else 0)
    return (a - b) % 5 + (0 if b >= 5 else 5)


def _luhn(digits: str) -> int:
    """0 if the last digit is the check digit of the others: every second one counts twice."""
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10
