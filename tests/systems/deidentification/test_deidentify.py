"""On real files: who it was is gone, references hold, pixels stay, and what was done is told."""

import copy
import io
from datetime import date, timedelta

import pytest
from dicomanonymizer import simpledicomanonymizer as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from medlib.systems.deidentification.burned_in import Rectangle
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.kept_text import MACHINE_TEXT
from medlib.systems.deidentification.keyed_values import days_back, is_of_the_standard, keyed_uid
from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.profile import EDITION, code_of, table_tags
from medlib.systems.deidentification.pseudonyms import pseudonym

KEY = bytes(range(32))
SHIFT = Options(
    dates="shift", times="keep", structured_text=True, pixels_inspected=True, patient="7"
)
REMOVE = Options(structured_text=True, pixels_inspected=True, patient="7")
REAL = [
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm", "JPEG2000.dcm", "liver_1frame.dcm", "rtdose.dcm", "rtplan.dcm",
    "rtstruct.dcm", "test-SR.dcm", "reportsi.dcm", "examples_ybr_color.dcm",
    "examples_overlay.dcm", "waveform_ecg.dcm", "SC_rgb_rle.dcm", "priv_SQ.dcm",
    "UN_sequence.dcm",
]  # fmt: skip


def real(name):
    with disable_value_validation():
        dataset = dcmread(get_testdata_file(name, download=False), force=True)
        dataset.walk(lambda *_: None)  # reads every value
    return dataset


def small(**values):
    dataset = Dataset()
    dataset.PatientID = "007"
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def elements(dataset, prefix=""):
    """Path and element of everything in a dataset."""
    for element in dataset:
        path = f"{prefix}({element.tag.group:04X},{element.tag.element:04X})"
        yield path, element
        if element.VR == "SQ":
            for i, item in enumerate(element.value):
                yield from elements(item, f"{path}[{i}].")


def values(dataset):
    return {path: str(e.value) for path, e in elements(dataset) if e.VR != "SQ"}


@pytest.fixture(params=REAL)
def pair(request):
    original = real(request.param)
    return original, deidentify(original, key=KEY, options=SHIFT)


def test_the_original_and_the_pixels_are_not_changed(pair):
    original, found = pair
    again = real(original.filename.rsplit("/")[-1])
    assert values(original) == values(again)
    for name in ("PixelData", "WaveformSequence"):
        if name in original:
            assert name in found.dataset
    if "PixelData" in original:
        assert found.dataset.PixelData == original.PixelData


def test_nothing_private_or_unknown_is_left(pair):
    for path, element in elements(pair[1].dataset):
        assert not element.tag.is_private, path
        assert element.tag.group & 0xFF00 not in (0x5000, 0x6000), path


def test_every_uid_is_keyed_or_the_standards(pair):
    original, found = pair
    keyed = {
        keyed_uid(str(uid), key=KEY)
        for _, element in elements(original)
        if element.VR == "UI" and element.value
        for uid in (element.value if element.VM > 1 else [element.value])
    }
    for path, element in elements(found.dataset):
        if element.VR == "UI" and element.value:
            for uid in element.value if element.VM > 1 else [element.value]:
                assert is_of_the_standard(uid) or uid in keyed, path
                assert is_of_the_standard(uid) or uid.startswith("2.25."), path


def test_every_action_tells_of_a_difference_and_every_difference_is_told(pair):
    original, found = pair
    before, after = values(original), values(found.dataset)
    told = {action.path for action in found.actions}
    marks = {"(0012,0062)", "(0012,0063)", "(0028,0303)"}
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path) and not path.startswith("(0012,0064)"):
            parents = {path[: i + 3] for i in range(len(path)) if path[i : i + 3] == "[0]"}
            steps = path.split(".")
            prefixes = {".".join(steps[: n + 1]).rsplit("[", 1)[0] for n in range(len(steps))}
            assert path in told | marks or prefixes & told, (path, parents)


def test_it_is_marked_and_can_be_written(pair):
    original, found = pair
    buffer = io.BytesIO()
    found.dataset.save_as(buffer)
    buffer.seek(0)
    read = dcmread(buffer, force=True)
    assert read.PatientIdentityRemoved == "YES"
    assert read.LongitudinalTemporalInformationModified == "MODIFIED"
    assert {item.CodeValue for item in read.DeidentificationMethodCodeSequence} == {
        "113100", "113103", "113104", "113107",
    }  # fmt: skip
    if "SOPInstanceUID" in read and getattr(original, "file_meta", None):
        assert found.dataset.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert not getattr(found.dataset, "preamble", None) or not any(found.dataset.preamble)
    if getattr(original, "file_meta", None):
        kept = {"MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"}
        left = {e.keyword for e in found.dataset.file_meta if e.tag.element > 1}
        assert left <= kept | {"ImplementationClassUID", "ImplementationVersionName"}


def test_a_second_pass_removes_nothing_more(pair):
    _, found = pair
    for options in (SHIFT, REMOVE):
        once = deidentify(found.dataset, key=KEY, options=options)
        twice = deidentify(once.dataset, key=KEY, options=options)
        assert values(once.dataset).keys() == values(twice.dataset).keys()
        after = values(twice.dataset)
        keyed = {a.path for a in twice.actions if a.done in ("replaced", "shifted")}
        for path, value in values(once.dataset).items():
            both_keyed = value.startswith("2.25.") and after[path].startswith("2.25.")
            assert after[path] == value or path in keyed or both_keyed, path
        assert {a.done for a in twice.actions if after.get(a.path) != values(once.dataset).get(
            a.path)} <= {"replaced", "shifted"}  # fmt: skip


def test_the_same_key_gives_the_same_bytes(pair):
    original, found = pair
    buffers = []
    with disable_value_validation():
        again = copy.deepcopy(original)
    for one in (found, deidentify(again, key=KEY, options=SHIFT)):
        buffers.append(io.BytesIO())
        one.dataset.save_as(buffers[-1])
    assert buffers[0].getvalue() == buffers[1].getvalue()
    other = deidentify(original, key=KEY[::-1], options=SHIFT)
    if "SOPInstanceUID" in original:
        assert other.dataset.SOPInstanceUID != found.dataset.SOPInstanceUID


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "liver_1frame.dcm"])
def test_against_the_library_at_the_top(name):
    """Where the table says one thing, both do it: the library's own reading is the outsider."""
    original, library = real(name), real(name)
    rules = lambda: theirs.initialize_actions(f"dicomfields_{EDITION}")  # noqa: E731
    with disable_value_validation():
        theirs.anonymize_dataset(library, base_rules_gen=rules)
    ours = deidentify(original, key=KEY, options=REMOVE).dataset
    compared = 0
    for tag in table_tags():
        if tag not in original or tag.group == 2 or not original[tag].value:
            continue
        code, before = code_of(tag), str(original[tag].value)
        dated = original[tag].VR in ("DA", "DT", "TM")
        if code == "X":
            assert tag not in ours
            assert tag not in library or dated, "the library keeps a false date"
        elif original[tag].VR != "SQ":
            assert str(ours[tag].value or "") != before, tag
            assert str(library[tag].value or "") != before, tag
        compared += 1
    assert compared >= 8
    unnamed = [e.tag for e in original if not e.tag.is_private and code_of(e.tag) is None
               and e.VR not in ("SQ", "UI") and e.tag.group < 0x5000]  # fmt: skip
    short = [tag for tag in unnamed if original[tag].VR in ("LO", "SH") and tag not in MACHINE_TEXT]
    for tag in set(unnamed) - set(short):
        assert ours[tag].value == library[tag].value, tag
    assert len(set(unnamed) - set(short)) >= 6
    assert not any(ours[tag].value for tag in short)


def test_references_between_files_hold():
    plan, dose = real("rtplan.dcm"), real("rtdose.dcm")
    plan.SOPInstanceUID = dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID
    one = deidentify(plan, key=KEY, options=SHIFT).dataset
    other = deidentify(dose, key=KEY, options=SHIFT).dataset
    assert one.SOPInstanceUID == other.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID
    assert one.SOPInstanceUID != plan.SOPInstanceUID
    assert one.SOPClassUID == plan.SOPClassUID


@given(
    st.dates(min_value=date(1950, 1, 1)),
    st.dates(min_value=date(1950, 1, 1)),
    st.text("0123456789", min_size=1, max_size=7),
)
@settings(max_examples=25)
def test_dates_of_a_patient_keep_their_intervals(one, other, patient):
    dates = [day.strftime("%Y%m%d") for day in (one, other)]
    item = small(StudyDate=dates[1], AcquisitionDateTime=dates[1] + "112233")
    dataset = small(StudyDate=dates[0], PatientBirthDate=dates[0], ReferencedSeriesSequence=[item])
    dataset.PatientID = patient
    found = deidentify(dataset, key=KEY, options=Options(dates="shift", times="keep")).dataset
    moved = [found.StudyDate, found.ReferencedSeriesSequence[0].StudyDate]
    parsed = [date(int(t[:4]), int(t[4:6]), int(t[6:])) for t in moved]
    assert [one - parsed[0], other - parsed[1]] == [timedelta(days_back(patient, key=KEY))] * 2
    assert found.ReferencedSeriesSequence[0].AcquisitionDateTime == moved[1] + "112233"
    assert not found.PatientBirthDate


def test_times_go_with_the_option():
    dataset = small(StudyDate="20240503", StudyTime="112233", AcquisitionDateTime="20240503112233")
    kept = deidentify(dataset, key=KEY, options=Options(dates="shift", times="keep")).dataset
    gone = deidentify(dataset, key=KEY, options=Options(dates="shift")).dataset
    none = deidentify(dataset, key=KEY).dataset
    assert kept.StudyTime == "112233"
    assert kept.AcquisitionDateTime.endswith("112233")
    assert not gone.StudyTime
    assert gone.AcquisitionDateTime == gone.StudyDate != "20240503"
    assert (none.StudyDate, none.StudyTime) == ("", "")
    assert "2024" not in str(none)


@pytest.mark.parametrize("bad", ["spring 2024", "20240230", "2024-05-03"])
def test_a_date_that_is_none_is_emptied(bad):
    with disable_value_validation():
        dataset = small(StudyDate=bad)
    found = deidentify(dataset, key=KEY, options=Options(dates="shift"))
    assert not found.dataset.StudyDate


def test_free_text_of_a_report_goes_and_its_codes_stay():
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
    own = Dataset()
    own.CodeValue, own.CodingSchemeDesignator, own.CodeMeaning = "17", "99HOSPITAL", "Dr Example"
    item = Dataset()
    item.ConceptNameCodeSequence, item.ConceptCodeSequence = [name], [own]
    item.TextValue, item.PersonName = "Mrs Example has a nodule", "Example^Doctor"
    dataset = small(ContentSequence=[item])
    with pytest.raises(ValueError, match="structured report"):
        deidentify(dataset, key=KEY)
    found = deidentify(dataset, key=KEY, options=Options(structured_text=True))
    assert "Example" not in str(found.dataset)
    assert "HOSPITAL" not in str(found.dataset)
    kept = found.dataset.ContentSequence[0]
    assert kept.ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    assert kept.TextValue == "REMOVED"


def test_descriptors_keep_the_allowed_words_only():
    dataset = small(
        StudyDescription="CT thorax, Mrs Example (call 555-1234)", SeriesDescription="?"
    )
    plain = deidentify(dataset, key=KEY).dataset
    assert "StudyDescription" not in plain
    options = Options(descriptor_words=frozenset({"ct", "thorax", "call"}))
    found = deidentify(dataset, key=KEY, options=options)
    assert found.dataset.StudyDescription == "ct thorax call"
    assert not found.dataset.SeriesDescription
    assert "113105" in str(found.dataset.DeidentificationMethodCodeSequence)


def test_suspected_pixels_are_refused_masked_or_recorded():
    dataset = real("SC_rgb_small_odd.dcm")
    with pytest.raises(ValueError, match="refused: BurnedInAnnotation is missing"):
        deidentify(dataset, key=KEY, options=Options(patient="7"))
    seen = deidentify(dataset, key=KEY, options=Options(patient="7", pixels_inspected=True))
    assert seen.dataset.PixelData == dataset.PixelData
    assert seen.dataset.BurnedInAnnotation == "NO"
    assert any("caller states" in action.reason for action in seen.actions)
    masked = deidentify(
        dataset, key=KEY, options=Options(patient="7", rectangles=(Rectangle(0, 0, 1, 2),))
    )
    assert masked.dataset.PixelData != dataset.PixelData
    assert "113101" in str(masked.dataset.DeidentificationMethodCodeSequence)
    assert any(action.done == "masked" for action in masked.actions)


def test_actions_hold_no_values():
    dataset = small(PatientName="Ample^Ex", InstitutionName="St Elsewhere", StudyDate="20240503")
    text = str(deidentify(dataset, key=KEY, options=Options(dates="shift")).actions)
    assert not any(word in text for word in ("Ample", "Elsewhere", "2024", "007"))


def test_whose_it_is():
    assert deidentify(small(), key=KEY).dataset.PatientID == pseudonym("007", key=KEY)
    nobody = small(PatientID="", PatientName="Ample^Ex")
    with pytest.raises(ValueError, match="no PatientID"):
        deidentify(nobody, key=KEY)
    named = deidentify(nobody, key=KEY, options=Options(patient="8")).dataset
    assert named.PatientID == named.PatientName == pseudonym("8", key=KEY)
    with pytest.raises(ValueError, match="3 bytes"):
        deidentify(small(), key=b"abc")


def test_a_preamble_and_a_path_say_nothing():
    dataset = real("CT_small.dcm")
    dataset.preamble = b"Mrs Example".ljust(128)
    found = deidentify(dataset, key=KEY).dataset
    assert found.preamble == bytes(128)
    assert found.filename is None


def test_what_cannot_be_read_goes():
    dataset, tag = real("CT_small.dcm"), Tag(0x00280030)
    dataset._dict[tag] = RawDataElement(tag, "ZZ", 6, b"a name", 0, False, True)
    found = deidentify(dataset, key=KEY)
    assert tag not in found.dataset
    assert any(action.reason == "cannot be read" for action in found.actions)


@pytest.mark.parametrize(
    ("tag", "kind"), [(0x00280030, "DS"), (0x00200013, "IS"), (0x00080030, "TM")]
)
def test_words_in_the_place_of_a_number_or_a_time_go(tag, kind):
    dataset, tag = real("CT_small.dcm"), Tag(tag)
    dataset._dict[tag] = RawDataElement(tag, kind, 8, b"Mrs Ex\\1", 0, False, True)
    found = deidentify(dataset, key=KEY, options=SHIFT).dataset
    assert "Mrs" not in str(found[tag].value if tag in found else "")
    assert tag not in found or not found[tag].value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientBirthDateInAlternativeCalendar", "19 Sivan 5721"),
        ("PatientDeathDateInAlternativeCalendar", "3 Adar 5784"),
        ("PatientBreedDescription", "Jane Doe"),
        ("ViewName", "DOE JANE 19610503"),
        ("StageName", "Jane Doe rest"),
        ("SequenceName", "DOE^JANE 1961"),
        ("FilterType", "MRN 4711"),
        ("DeviceID", "MRN 4711"),
        ("ConvolutionKernel", "STD for Doe"),
        ("ConvolutionKernel", "STD 19610503"),
        ("ManufacturerModelName", "Doe's machine"),
        ("ViewPosition", "Doe^Jane"),
        ("ConvolutionKernel", "DoeJ"),
        ("ManufacturerModelName", "JaneDoe"),
        ("ManufacturerModelName", "Scan MRN-4711"),
        ("ICCProfile", b"copyright Jane Doe"),
        ("SelectorOFValue", b"Jane Doe"),
        ("SelectorOWValue", b"Jane Doe"),
        ("SelectorODValue", b"Jane Doe"),
        ("SelectorOLValue", b"Jane Doe"),
        ("SelectorOVValue", b"Jane Doe"),
    ],
)
def test_a_name_in_what_the_table_does_not_name_goes(name, value):
    dataset = real("CT_small.dcm")
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "MRN-4711"
    with disable_value_validation():
        setattr(dataset, name, value)
    found = deidentify(dataset, key=KEY, options=SHIFT)
    assert not found.dataset.get(name)
    buffer = io.BytesIO()
    found.dataset.save_as(buffer)
    assert (value if isinstance(value, bytes) else value.encode()) not in buffer.getvalue()
    assert any(action.done in ("emptied", "removed") for action in found.actions)


@pytest.mark.parametrize(
    ("number", "name", "value", "left"),
    [("4711", "AcquisitionNumber", "4711", None), ("004711", "AcquisitionNumber", "4711", None),
     ("4711", "SliceThickness", "4711.0", None), ("4711", "AcquisitionNumber", "4712", 4712),
     ("100", "AcquisitionNumber", "100", 100)],
)  # fmt: skip
def test_the_patients_number_in_that_of_another_goes(number, name, value, left):
    dataset = real("CT_small.dcm")
    dataset.PatientID = number
    setattr(dataset, name, value)
    found = deidentify(dataset, key=KEY, options=Options(dates="shift"))
    assert found.dataset[name].value == left
    assert ("the patient's number in that of another" in str(found.actions)) == (left is None)


def test_what_physics_reads_stays():
    dataset = real("CT_small.dcm")
    dataset.ConvolutionKernel, dataset.RescaleType = "B30f", "HU"
    dataset.WaveformData = b"12"
    found = deidentify(dataset, key=KEY, options=SHIFT).dataset
    for name in ("Manufacturer", "ManufacturerModelName", "ConvolutionKernel", "RescaleType",
                 "ImageType", "WaveformData", "PixelData", "KVP"):  # fmt: skip
        assert found[name].value == dataset[name].value != "", name


@pytest.mark.parametrize(
    ("scheme", "value", "meaning", "left"),
    [
        ("SRT", "T-B7000", "the gland of Jane Doe", ("T-B7000", "Parathyroid")),
        ("SRT", "T-0A0A0", "knee of Jane Doe", ("T-0A0A0", "REMOVED")),
        ("SRT", "Jane Doe", "knee", ("REMOVED", "REMOVED")),
        ("LOCAL", "1", "Mrs Doe's biopsy room", ("REMOVED", "REMOVED")),
        ("UCUM", "mm", "mm", ("mm", "mm")),
        ("DCM", "471147", "Finding", ("REMOVED", "REMOVED")),
        ("DCM", "121071", "Finding", ("121071", "Finding")),
        ("SCT", "19610503", "knee", ("REMOVED", "REMOVED")),
        ("SCT", "10200004", "Liver", ("REMOVED", "REMOVED")),  # the record number
    ],
)
def test_a_code_says_what_its_scheme_says(scheme, value, meaning, left):
    dataset, code = real("CT_small.dcm"), Dataset()
    dataset.PatientID, dataset.PatientBirthDate = "10200004", "19610503"
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    dataset.AnatomicRegionSequence = [code]
    (found,) = deidentify(dataset, key=KEY).dataset.AnatomicRegionSequence
    assert found.CodeValue == left[0]
    assert found.CodeMeaning.startswith(left[1])
    assert "Doe" not in str(found)
    assert (found.CodingSchemeDesignator == scheme) == (left[0] != "REMOVED")


def test_bytes_behind_the_pixels_are_cut():
    dataset = real("CT_small.dcm")
    pixels = dataset.PixelData
    dataset.PixelData = pixels + b"DOE^JANE"
    found = deidentify(dataset, key=KEY)
    assert found.dataset.PixelData == pixels
    assert [a.reason for a in found.actions if a.path == "(7FE0,0010)"] == [
        "bytes behind the last pixel"
    ]


def test_pixels_of_no_size_are_refused():
    with pytest.raises(ValueError, match="where they end is not known"):
        deidentify(real("nested_priv_SQ.dcm"), key=KEY, options=SHIFT)
