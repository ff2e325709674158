"""Drafts hold what an audit and a lineage need, and nothing half said."""

import hashlib
import os

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from medlib.systems.ledger.entry import entry_after
from medlib.systems.ledger.kinds import (
    ImageSource,
    code_draft,
    data_draft,
    digests_of_files,
    environment_draft,
    flat,
    image_source,
    images_draft,
    metric_draft,
    run_draft,
)

ZEROS = "0" * 64
NOON = "2024-05-03T12:00:00Z"


def source(**change):
    return ImageSource(
        **{
            "study_uid": "1.2", "series_uid": "1.3", "instance_uid": "1.4", "file": "a.dcm",
            "sha256": ZEROS, "acquisition": {},
        } | change
    )  # fmt: skip


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_a_real_header_gives_its_source(name):
    dataset = dcmread(get_testdata_file(name, download=False))
    found = image_source(dataset, file=name, sha256=ZEROS)
    assert found.instance_uid == dataset.SOPInstanceUID
    assert found.acquisition["PixelSpacing"] == [float(x) for x in dataset.PixelSpacing]
    assert found.acquisition["Modality"] == name[:2]
    entry = entry_after(None, images_draft([found]), time=NOON)
    assert entry.body["images"][0]["acquisition"]["Rows"] == dataset.Rows
    assert dataset.PatientID not in str(entry.body)


def test_a_header_without_uids_is_no_image():
    dataset = dcmread(get_testdata_file("CT_small.dcm", download=False))
    del dataset.SeriesInstanceUID
    with pytest.raises(ValueError, match="lacks a study, series"):
        image_source(dataset, file="x", sha256=ZEROS)


def test_an_image_counts_once():
    with pytest.raises(ValueError, match="same instance_uid"):
        images_draft([source(), source(file="b.dcm")])
    with pytest.raises(ValueError, match="same file"):
        images_draft([source(), source(instance_uid="1.5")])
    with pytest.raises(ValueError, match="one image or more"):
        images_draft([])


@pytest.mark.parametrize(
    "draft",
    [
        lambda digest: data_draft({"a": digest}),
        lambda digest: code_draft({"a": digest}),
        lambda digest: images_draft([source(sha256=digest)]),
        lambda digest: run_draft(name="a", parameters={}, rests_on={"code": digest}),
        lambda digest: metric_draft(name="a", value=1, unit="", run=digest),
    ],
)
def test_digests_are_digests(draft):
    draft(ZEROS)
    with pytest.raises(ValueError, match="64 small hexadecimal"):
        draft("A" * 64)


def test_no_files_are_no_data():
    with pytest.raises(ValueError, match="one file of data"):
        data_draft({})


def test_a_description_is_flat_and_says_what_it_cannot_hold():
    nested = {"packages": {"numpy": "2", "torch": "2"}, "cpu": {"name": "x", "none": {}}}
    assert flat(nested) == {
        "packages.numpy": "2", "packages.torch": "2", "cpu.name": "x", "cpu.none": {},
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"called 'a\.b'"):
        flat({"a": {"b": 1}, "a.b": 2})
    with pytest.raises(ValueError, match=r"\$\.a\.b is a set"):
        environment_draft({"a": {"b": {1}}})


def test_digests_of_a_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.py").write_bytes(b"x")
    os.symlink("a.py", tmp_path / "in" / "b.py")
    found = digests_of_files(tmp_path)
    assert set(found) == {"in/a.py", "in/b.py"}
    assert found["in/a.py"] == hashlib.sha256(b"x").hexdigest()
    assert found["in/b.py"] != found["in/a.py"]
    assert digests_of_files(tmp_path, pattern="a.*") == {"in/a.py": found["in/a.py"]}
    with pytest.raises(ValueError, match="not a folder"):
        digests_of_files(tmp_path / "none")
