"""The search finds what was planted, in each object and at each depth, and nothing else."""

from datetime import datetime

import pytest
from pydicom import Dataset

from medlib.systems.clinic.name_search import NameSearch, bytes_of
from medlib.systems.clinic.planted_slips import SLIPS, slipped
from medlib.systems.clinic.simulated_study import Patient, as_series
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.validator import leaks
from tests.systems.clinic.conftest import KEY, head

WHEN = datetime(2024, 5, 3, 10, 30, 17, 482913)
MUELLER = Patient("0031415", "Müller^Erika", "19570321")
IMAGES = as_series(head(), patient=MUELLER, accession="RX730441", when=WHEN)
CLEAN = deidentify(IMAGES[0], key=KEY).dataset
SEARCH = NameSearch(IMAGES)


def test_nothing_is_found_in_what_was_cleaned():
    assert NameSearch(IMAGES, words=["000.dcm"]).finds_in(bytes_of(CLEAN)) == ()


@pytest.mark.parametrize("slip", SLIPS)
def test_every_slip_is_found_for_what_it_is(slip):
    before = bytes_of(CLEAN)
    assert set(SEARCH.finds_in(bytes_of(slipped(slip, CLEAN, IMAGES)))) == {SLIPS[slip].kind}
    assert bytes_of(CLEAN) == before


def test_all_that_the_validator_finds_is_found():
    for one in IMAGES:
        written = bytes_of(one)
        kinds = {leak.identifier.kind for leak in leaks(IMAGES[0], written)}
        assert kinds <= set(SEARCH.finds_in(written))
        assert {"name", "id", "date", "place"} <= kinds


def test_the_uid_of_any_slice_is_found():
    for one in IMAGES:
        assert SEARCH.finds_in(str(one.SOPInstanceUID).encode()) == ("uid",)


def test_dates_and_times_of_a_ledger_and_names_of_files_are_found():
    assert SEARCH.finds_in(b'"time":"2024-05-03T23:00:00Z"') == ("date",)
    assert SEARCH.finds_in(b'"time":"2014-01-01T10:30:17Z"') == ("time",)
    assert NameSearch(IMAGES, words=["im0001.dcm"]).finds_in(b"IM0001.DCM") == ("word",)


@pytest.mark.parametrize(
    "text",
    ["103017 by chance", "a number, 131415, and 31415926", "0.31415", "sum us term", "mu ller",
     "2024-05-30", "1.2.3.5.2024.7", "ei Rikard", "1714000000", "10 30 170", "Muster^Paul"],
)  # fmt: skip
def test_what_looks_like_it_is_no_find(text):
    assert SEARCH.finds_in(text.encode()) == ()


@pytest.mark.parametrize("text", ["Bo Li", "LI, BO", "li^bo", "Lí Bo"])
def test_short_names_are_found_side_by_side(text):
    search = NameSearch(as_series(head(), patient=Patient(name="Li^Bo"), accession="A1"))
    assert search.finds_in(f"of {text}, seen".encode()) == ("name",)
    assert search.finds_in(b"libor; li and bo, alibo; bolido") == ()


def test_a_number_of_the_patient_is_found_in_a_number_and_a_short_one_as_a_word():
    one = Dataset()
    one.PatientName, one.PatientID = "Nemo^Nil", "0042"
    search, found = NameSearch([one]), CLEAN.copy()
    assert search.finds_in(bytes_of(found)) == ()
    found.SeriesNumber = 42
    assert search.finds_in(bytes_of(found)) == ("id",)
    found.SeriesNumber, found.SeriesDescription = 1, "of 0042"
    assert search.finds_in(bytes_of(found)) == ("id",)


def test_a_slip_that_nobody_knows_and_no_originals_are_told():
    with pytest.raises(ValueError, match="one of UID of another slice"):
        slipped("ink", CLEAN, IMAGES)
    with pytest.raises(ValueError, match="no originals"):
        NameSearch([])
