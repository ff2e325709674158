"""Each fault is what its name says, and the series that it was planted in stays whole."""

import pytest

from medlib.systems.clinic.planted_faults import FAULTS, plant
from medlib.systems.clinic.server_or_files import digest_of_dataset
from tests.systems.clinic.conftest import PAUL, study

OTHER = study(1, patient=PAUL, accession="A2")


def digests(series):
    return [digest_of_dataset(one) for one in series]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_the_copy_and_nothing_else(fault):
    series = study()
    before, others = digests(series), digests(OTHER)
    found = plant(fault, series, other=OTHER)
    assert digests(series) == before
    assert digests(OTHER) == others
    assert (digests(found) == before) == (fault == "none")
    assert {one.StudyInstanceUID for one in found} == {series[0].StudyInstanceUID}
    assert len({one.SOPInstanceUID for one in found}) == len(found)


def test_an_unsaid_loss_is_a_loss_and_unsaid():
    series = study()
    found = plant("lossy, not said", series, other=OTHER)
    assert not any("Lossy" in element.keyword for one in found for element in one)
    off = [abs(a.pixel_array.astype(int) - b.pixel_array).max()
           for a, b in zip(found, series, strict=True)]  # fmt: skip
    assert 0 < min(off) <= max(off) <= 40


def test_unknown_faults_and_short_series_are_told():
    with pytest.raises(ValueError, match="one of none, wrong modality"):
        plant("coffee", study(), other=OTHER)
    with pytest.raises(ValueError, match="six slices"):
        plant("none", study()[:5], other=OTHER)
