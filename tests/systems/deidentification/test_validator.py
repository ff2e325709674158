"""It finds what is left without the table, and finds nothing where all is gone."""

import ast
import io
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.data import get_testdata_file

from medlib.systems.deidentification import deidentify as room
from medlib.systems.deidentification import validator
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.validator import identifiers_of, leaks

KEY = bytes(range(32))
OPTIONS = Options(structured_text=True, pixels_inspected=True, patient="7")
# text and path in the original: words that stand in an attribute that is kept, looked at one by one
COINCIDENCES = {
    "CT_small.dcm": set(),
    "MR_small.dcm": {("TOSHIBA", "(0008,0080)")},  # the manufacturer, TOSHIBA_MEC
    # the kind of image in ImageType
    "JPEG2000.dcm": {("WHOLE BODY", "(0009,1020)")},
    "liver_1frame.dcm": set(),
    "rtdose.dcm": set(),
    "rtplan.dcm": {("Here", "(0008,0080)")},  # the manufacturer, "Manufacturer name here"
    "rtstruct.dcm": set(),
    "test-SR.dcm": set(),
    # value types, PNAME and TEXT
    "reportsi.dcm": {("Name", "(0008,0090)"), ("text", "(0040,A730)[1].(0040,A123)")},
    "examples_ybr_color.dcm": set(),
    "examples_overlay.dcm": set(),
    "waveform_ecg.dcm": {("Mortara Instrument, Inc.", "(1455,0010)")},  # the manufacturer
    "SC_rgb_rle.dcm": set(),
}  # fmt: skip


def real(name):
    with disable_value_validation():
        dataset = dcmread(get_testdata_file(name, download=False), force=True)
        dataset.walk(lambda *_: None)
    return dataset


def written(dataset):
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def made(**values):
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize("name", COINCIDENCES)
def test_before_all_is_found_and_afterwards_nothing(name):
    original = real(name)
    before = {leak.identifier for leak in leaks(original, written(original))}
    assert before == set(identifiers_of(original))
    assert len(before) >= 1
    result = deidentify(original, key=KEY, options=OPTIONS).dataset
    left = {
        (leak.identifier.text, leak.identifier.path) for leak in leaks(original, written(result))
    }
    assert left == COINCIDENCES[name]


def test_recursion_switched_off_is_found(monkeypatch):
    original = real("rtstruct.dcm")
    monkeypatch.setattr(room._Cleaner, "_items", lambda self, items, path: None)
    result = deidentify(original, key=KEY, options=OPTIONS).dataset
    assert {leak.identifier.kind for leak in leaks(original, written(result))} >= {"uid"}


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        ({"PatientName": "Ample^Ex^Middle"}, "name", {"Ample", "Middle"}),
        ({"ReferringPhysicianName": "van Ample^Jo"}, "name", {"Ample"}),
        ({"StudyDate": "2024.05.03"}, "date", {"20240503"}),
        ({"AcquisitionDateTime": "20240503112233"}, "date", {"20240503"}),
        ({"AccessionNumber": "A12345"}, "id", {"A12345"}),
        ({"PatientID": "1234"}, "id", {"1234"}),
        ({"PatientID": "7", "StudyID": "2"}, "id", {"7", "2"}),
        ({"DeviceID": "1234"}, "id", set()),
        ({"InstitutionName": "St Elsewhere"}, "place", {"St Elsewhere"}),
        ({"StudyInstanceUID": "1.2.3.4"}, "uid", {"1.2.3.4"}),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "uid", set()),
        ({"SeriesNumber": "12345"}, "id", set()),
    ],
)
def test_what_identifies(values, kind, texts):
    with disable_value_validation():
        found = identifiers_of(made(**values))
    assert {each.text for each in found if each.kind == kind} == texts


def test_at_depth_in_private_elements_and_with_its_path():
    item = made(PatientName="Ample^Ex")
    item.add_new(0x00091001, "LO", "secret text")
    found = identifiers_of(made(ReferencedSeriesSequence=[item]))
    assert {(each.kind, each.path) for each in found} == {
        ("name", "(0008,1115)[0].(0010,0010)"), ("text", "(0008,1115)[0].(0009,1001)"),
    }  # fmt: skip


@pytest.mark.parametrize("text", [b"xxAMPLExx", b"ample", "ample".encode("utf-16-le")])
def test_letters_and_encodings(text):
    (leak,) = leaks(made(PatientName="Ample^Ex"), text)
    assert leak.at == text.lower().index(b"a")
    assert leaks(made(PatientName="Ample^Ex"), b"exam pl e") == ()


@pytest.mark.parametrize("number", ["7", "1CT1", "4MR1", "12345"])
def test_a_record_number_is_sought_however_short(number):
    original = real("CT_small.dcm")
    original.PatientID = number
    clean = deidentify(original, key=KEY, options=OPTIONS).dataset
    assert not [leak for leak in leaks(original, written(clean)) if leak.identifier.kind == "id"]
    clean.StationName = f"room of {number}" if len(number) > 2 else number
    (leak,) = [leak for leak in leaks(original, written(clean)) if leak.identifier.kind == "id"]
    assert leak.identifier.text == number


@pytest.mark.parametrize(
    ("number", "name", "value", "is_found"),
    [("4711", "AcquisitionNumber", "4711", True), ("04711", "SliceThickness", "4711.0", True),
     ("4711", "Rows", 4711, True), ("7", "EchoNumbers", "7", True),
     ("4711", "AcquisitionNumber", "47110", False)],
)  # fmt: skip
def test_a_record_number_is_sought_in_the_place_of_a_number(number, name, value, is_found):
    original = real("CT_small.dcm")
    original.PatientID = number
    clean = deidentify(original, key=KEY, options=OPTIONS).dataset
    assert not [leak for leak in leaks(original, written(clean)) if leak.identifier.own]
    clean.PixelData = b""  # its number of rows is another now
    setattr(clean, name, value)
    found = [leak.identifier.text for leak in leaks(original, written(clean))]
    assert (number in found) == is_found


def test_other_scripts():
    name = "Müller^Zoë"
    assert leaks(made(PatientName=name), "müller".encode("latin-1"))
    assert leaks(made(PatientName=name), "müller".encode())


def test_it_does_not_know_the_table():
    tree = ast.parse(Path(validator.__file__).read_text("utf-8"))
    imported = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not any("profile" in name or "dicomanonymizer" in name for name in imported)
