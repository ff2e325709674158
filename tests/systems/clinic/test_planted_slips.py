"""A slip leaves one thing, in an object that stays whole."""

import io

import pytest
from pydicom import dcmread

from medlib.systems.clinic.name_search import bytes_of
from medlib.systems.clinic.planted_slips import SLIPS, slipped
from tests.systems.clinic.test_name_search import CLEAN, IMAGES


@pytest.mark.parametrize("slip", SLIPS)
def test_the_object_can_be_read_and_is_another_by_little(slip):
    whole = bytes_of(slipped(slip, CLEAN, IMAGES))
    back = dcmread(io.BytesIO(whole))
    assert back.SOPInstanceUID == CLEAN.SOPInstanceUID
    assert whole != bytes_of(CLEAN)
    assert 0 <= len(whole) - len(bytes_of(CLEAN)) < 300
