"""A dummy is legal for its kind, and nothing of a value is left at any depth."""

import io

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medlib.systems.deidentification.dummies import DUMMIES, make_dummy


@pytest.mark.parametrize("kind", DUMMIES)
def test_every_dummy_is_legal_and_can_be_written(kind):
    dataset = Dataset()
    dataset.add_new(0x00091001, kind, None)
    make_dummy(dataset[0x00091001], uid=str)
    checked = DataElement(0x00091001, kind, dataset[0x00091001].value)  # warns of what is illegal
    value = checked.value
    assert value == DUMMIES[kind]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    buffer.seek(0)
    assert kind == dcmread(buffer, force=True)[0x00091001].VR


def test_a_sequence_keeps_its_form_and_loses_its_words():
    inner = Dataset()
    inner.CodeMeaning, inner.NumericValue = "Mrs Example", "5"
    inner.add_new(0x00091001, "LO", "private")
    outer = Dataset()
    outer.ContentSequence, outer.UID = [inner], "1.2.3"
    element = DataElement(0x00081072, "SQ", [outer])
    make_dummy(element, uid=lambda uid: f"{uid}.9")
    item = element.value[0]
    assert item.UID == "1.2.3.9"
    assert item.ContentSequence[0].CodeMeaning == "REMOVED"
    assert item.ContentSequence[0].NumericValue == 0
    assert 0x00091001 not in item.ContentSequence[0]


def test_a_kind_without_a_dummy_is_told():
    element = DataElement(0x00091001, "LO", "x")
    element.VR = "??"
    with pytest.raises(ValueError, match="no dummy"):
        make_dummy(element, uid=str)
