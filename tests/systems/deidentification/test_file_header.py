"""Of the file's header three UIDs are kept, the preamble is zero, the path forgotten."""

import io

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from medlib.systems.deidentification.file_header import clean_file_header


def real(name):
    return dcmread(get_testdata_file(name, download=False), force=True)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm"])
def test_only_three_uids_stay(name):
    dataset = real(name)
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = b"Mrs Example"
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.preamble = b"Mrs Example".ljust(128)
    removed = clean_file_header(dataset, uid=str)
    assert {"(0002,0100)", "(0002,0102)"} <= set(removed)
    assert {e.keyword for e in dataset.file_meta} == {
        "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID",
    }  # fmt: skip
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset.filename is None
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    assert buffer.getvalue()[:128] == bytes(128)
    assert b"Example" not in buffer.getvalue()


def test_without_a_uid_of_its_own_the_files_is_replaced():
    dataset = real("CT_small.dcm")
    del dataset.SOPInstanceUID
    clean_file_header(dataset, uid=lambda uid: "1.2.3.4")
    assert dataset.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"


def test_without_a_header_nothing_is_done():
    assert clean_file_header(Dataset(), uid=str) == []
