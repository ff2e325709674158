"""UIDs are legal, steady and distinct; intervals between dates stay, offsets are a patient's."""

from datetime import date, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID, MRImageStorage, UID_dictionary

from medlib.systems.deidentification.keyed_values import (
    LONGEST_SHIFT,
    days_back,
    keyed_uid,
    shifted_date,
    shifted_datetime,
)

KEY = bytes(range(32))
UIDS = st.lists(st.integers(0, 10**6), min_size=3, max_size=6).map(
    lambda parts: "1.2." + ".".join(map(str, parts))
)
DATES = st.dates(date(1900, 1, 1), date(2100, 1, 1))


def text(day):
    return day.strftime("%Y%m%d")


@given(UIDS, UIDS)
@settings(max_examples=50)
def test_uids_are_legal_steady_and_distinct(one, other):
    new = keyed_uid(one, key=KEY)
    assert UID(new).is_valid
    assert len(new) <= 64
    assert new.startswith("2.25.")
    made = UUID(int=int(new[5:]))
    assert (made.version, made.variant) == (8, RFC_4122)
    assert (keyed_uid(other, key=KEY) == new) == (one == other)
    assert keyed_uid(one, key=KEY[::-1]) != new


@pytest.mark.parametrize(
    "uid", [MRImageStorage, "1.2.840.10008.1.4.1.1", *list(UID_dictionary)[:5]]
)
def test_the_standards_own_stay(uid):
    assert keyed_uid(uid, key=KEY) == uid


def test_what_only_looks_like_the_standards_does_not():
    assert keyed_uid("1.2.840.10008.99.1", key=KEY).startswith("2.25.")
    assert keyed_uid("", key=KEY) == ""


@given(DATES, DATES, st.integers(1, LONGEST_SHIFT))
@settings(max_examples=50)
def test_intervals_stay(one, other, days):
    moved = [
        date(int(t[:4]), int(t[4:6]), int(t[6:]))
        for t in (shifted_date(text(day), days=days) for day in (one, other))
    ]
    assert moved[1] - moved[0] == other - one
    assert moved[0] == one - timedelta(days=days)
    with_time = shifted_datetime(text(one) + "112233.5+0100", days=days, keep_time=True)
    assert with_time == text(moved[0]) + "112233.5+0100"


@given(st.text("0123456789", min_size=1, max_size=8), st.text("0123456789", min_size=1, max_size=8))
@settings(max_examples=50)
def test_an_offset_is_a_patients(one, other):
    assert 1 <= days_back(one, key=KEY) <= LONGEST_SHIFT
    assert days_back(one + " ", key=KEY) == days_back(one, key=KEY)


def test_offsets_of_many_patients_are_spread_and_depend_on_the_key():
    own = [days_back(f"{n:07d}", key=KEY) for n in range(400)]
    assert len(set(own)) > 300
    assert own != [days_back(f"{n:07d}", key=KEY[::-1]) for n in range(400)]
    assert abs(sum(own) / 400 - LONGEST_SHIFT / 2) < 300  # five standard errors are 263


@pytest.mark.parametrize(
    ("given_text", "keep", "moved"),
    [
        ("20240301", True, "20240229"),
        ("2024030112", True, "2024022912"),
        ("202403011230", True, "202402291230"),
        ("20240301123000+0100", True, "20240229123000+0100"),
        ("20240301123000+0100", False, "20240229"),
        ("202403", True, None),
        ("2024", False, None),
        ("", True, None),
        ("20241301", True, None),
    ],
)
def test_dates_with_times(given_text, keep, moved):
    assert shifted_datetime(given_text, days=1, keep_time=keep) == moved


@pytest.mark.parametrize("bad", ["", "2024", "20240230", "2024-03-01", "20240301-20240302", "x"])
def test_what_is_no_date_has_none(bad):
    assert shifted_date(bad, days=1) is None


def test_before_the_first_year_there_is_none():
    assert shifted_date("00010101", days=1) is None
    assert shifted_date("00010102", days=1) == "00010101"
