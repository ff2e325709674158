"""UIDs and dates, replaced alike wherever they stand: by a keyed digest, with nothing to keep."""

from __future__ import annotations

import re
from datetime import date, timedelta

from pydicom.uid import UID_dictionary

from medlib.systems.deidentification.pseudonyms import keyed_digest

__all__ = ["LONGEST_SHIFT", "days_back", "is_of_the_standard", "keyed_uid", "shifted_date",
           "shifted_datetime"]  # fmt: skip

LONGEST_SHIFT = 3650  # days
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_DATETIME = re.compile(r"(\d{8})(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")


def is_of_the_standard(uid: str) -> bool:
    """Whether DICOM itself gave the UID: a class, a syntax, a well-known frame of reference."""
    return uid in UID_dictionary


def keyed_uid(uid: str, *, key: bytes) -> str:
    """Another UID, the same for the same one: "2.25." and a UUID of 122 bits of its keyed digest.

    The UUID is of version 8, made by whoever makes it, in the variant of RFC 9562.

    References stay right in all files that are done with one key, in any order, on any machine.
    The standard's own UIDs are kept. Two of a billion UIDs become one with probability 10^-19.

    Args:
        uid: with or without padding.
        key: 16 random bytes or more.

    Example:
        >>> keyed_uid("1.2.840.10008.5.1.4.1.1.2", key=bytes(32))
        '1.2.840.10008.5.1.4.1.1.2'
        >>> keyed_uid("1.2.3", key=bytes(32)) == keyed_uid("1.2.3\\0", key=bytes(32))
        True

    UIDs under 2.25 are those of ITU-T X.667; PS3.5, section B.2. Davis, Peabody and Leach 2024, RFC
    9562, section 5.8, doi:10.17487/RFC9562.
    """
    uid = uid.strip(" \0")
    if not uid or is_of_the_standard(uid):
        return uid
    octets = bytearray(keyed_digest(key, "uid", uid)[:16])
    octets[6] = octets[6] & 0x0F | 0x80  # version 8
    octets[8] = octets[8] & 0x3F | 0x80  # the variant
    return f"2.25.{int.from_bytes(octets, 'big')}"


def days_back(patient: str, *, key: bytes) -> int:
    """How far a patient's dates move into the past: 1 to 3650 whole days, the same for all.

    With thousands of patients some share an offset, and one known date gives away a patient's: it
    hides dates from who holds the files alone.

    Example:
        >>> days_back("0031415", key=bytes(32)) == days_back("0031415 ", key=bytes(32))
        True
    """
    drawn = int.from_bytes(keyed_digest(key, "days", patient.strip(" \0"))[:16], "big")
    return 1 + drawn % LONGEST_SHIFT


def shifted_date(text: str, *, days: int) -> str | None:
    """A date of DICOM (DA) that many days earlier; None if it is none, or would be before year 1.

    Example:
        >>> shifted_date("20240301", days=1), shifted_date("2024.03.01", days=2)
        ('20240229', '20240228')
        >>> shifted_date("spring 2024", days=1) is None
        True
    """
    match = _DATE.fullmatch(text.strip(" \0"))
    try:
        moved = date(*map(int, match.groups())) - timedelta(days=days) if match else None
    except (ValueError, OverflowError):
        return None
    return None if moved is None else f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def shifted_datetime(text: str, *, days: int, keep_time: bool) -> str | None:
    """A date and time of DICOM (DT) that many days earlier; None if it has no whole date.

    Without the time, the offset from UTC goes as well: it says where the patient lives.

    Example:
        >>> shifted_datetime("20240301123000.5+0100", days=1, keep_time=True)
        '20240229123000.5+0100'
        >>> shifted_datetime("20240301123000.5+0100", days=1, keep_time=False)
        '20240229'
    """
    match = _DATETIME.fullmatch(text.strip(" \0"))
    moved = shifted_date(match[1], days=days) if match else None
    if moved is None or not keep_time:
        return moved
    return moved + (match[2] or "") + (match[3] or "")
