"""The search finds what was planted, in each object and at each depth, and nothing else."""

from datetime import datetime

import pytest

from medlib.systems.clinic.name_search import SLIPS, bytes_of, finds_in, slipped
from medlib.systems.clinic.simulated_study import Patient, as_series
from medlib.systems.deidentification.deidentify import deidentify
from tests.systems.clinic.conftest import KEY, head

WHEN = datetime(2024, 5, 3, 10, 30, 17, 482913)
IMAGES = as_series(head(), patient=Patient(), accession="A1", when=WHEN)
CLEAN = deidentify(IMAGES[0], key=KEY).dataset


def test_nothing_is_found_in_what_was_cleaned():
    assert finds_in(bytes_of(CLEAN), IMAGES, words=["000.dcm"]) == ()


@pytest.mark.parametrize(
    ("slip", "kind"),
    list(zip(SLIPS, ("uid", "date", "time", "name"), strict=True)),
)
def test_every_slip_is_found_for_what_it_is(slip, kind):
    before = bytes_of(CLEAN)
    assert kind in finds_in(bytes_of(slipped(slip, CLEAN, IMAGES)), IMAGES)
    assert bytes_of(CLEAN) == before


def test_the_uid_of_any_slice_is_found():
    for one in IMAGES:
        assert finds_in(str(one.SOPInstanceUID).encode(), IMAGES) == ("uid",)


def test_dates_and_times_of_a_ledger_and_names_of_files_are_found():
    assert finds_in(b'"time":"2024-05-03T23:00:00Z"', IMAGES) == ("date",)
    assert finds_in(b'"time":"2014-01-01T10:30:17Z"', IMAGES) == ("time",)
    assert finds_in(b"IM0001.DCM", IMAGES, words=["im0001.dcm"]) == ("word",)
    assert finds_in(b"103017 by chance", IMAGES) == ()


def test_a_slip_that_nobody_knows_and_no_originals_are_told():
    with pytest.raises(ValueError, match="one of UID of another slice"):
        slipped("ink", CLEAN, IMAGES)
    with pytest.raises(ValueError, match="no originals"):
        finds_in(b"", [])
