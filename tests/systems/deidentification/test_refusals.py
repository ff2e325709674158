"""What cannot be cleaned is refused with its reason, on real files where there are any."""

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from medlib.systems.deidentification.refusals import refusal


def real(name):
    return dcmread(get_testdata_file(name, download=False))


def made(**values):
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "liver_1frame.dcm"])
def test_images_and_plans_pass(name):
    assert refusal(real(name), structured_text=False) is None


@pytest.mark.parametrize("name", ["test-SR.dcm", "reportsi.dcm"])
def test_a_report_passes_only_if_its_text_may_go(name):
    assert "structured report" in refusal(real(name), structured_text=False)
    assert refusal(real(name), structured_text=True) is None


def test_a_directory_of_a_medium():
    dataset = dcmread(get_testdata_file("DICOMDIR", download=False))
    assert "DICOMDIR" in refusal(dataset, structured_text=True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"EncapsulatedDocument": b"%PDF"}, "encapsulated"),
        ({"MIMETypeOfEncapsulatedDocument": "text/xml"}, "encapsulated"),
        ({"SOPClassUID": "1.2.840.113619.4.26"}, "private or unknown"),
    ],
)
def test_what_cannot_be_cleaned(values, words):
    assert words in refusal(made(**values), structured_text=True)


def test_an_overlay_in_the_pixels():
    dataset = Dataset()
    dataset.add_new(0x60020102, "US", 12)
    assert "overlay 6002" in refusal(dataset, structured_text=True)
    dataset.add_new(0x60023000, "OW", b"\0\0")
    assert refusal(dataset, structured_text=True) is None  # it has bits of its own, which go
