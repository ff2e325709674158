"""The validator's words count, not how it ends."""

import subprocess

import pytest
from pydicom import dcmwrite

from medlib.systems.clinic import dicom_validation as room
from medlib.systems.clinic.dicom_validation import validate, why_no_validator
from tests.systems.clinic.conftest import study

needed = pytest.mark.skipif(why_no_validator() is not None, reason=str(why_no_validator()))


@needed
def test_a_good_image_passes_and_a_broken_one_does_not(tmp_path):
    one = study()[0]
    dcmwrite(tmp_path / "good.dcm", one, enforce_file_format=True)
    good = validate(tmp_path / "good.dcm")
    assert good.ran
    assert good.errors == ()
    assert "0 errors" in good.in_words
    del one.PixelSpacing, one.Modality
    dcmwrite(tmp_path / "bad.dcm", one, enforce_file_format=True)
    bad = validate(tmp_path / "bad.dcm")
    assert any("Modality" in line for line in bad.errors)


def test_errors_count_even_if_it_ends_well(tmp_path, monkeypatch):
    (tmp_path / "one.dcm").touch()
    monkeypatch.setattr(room, "why_no_validator", lambda: None)

    def said(text, code=0):
        done = subprocess.CompletedProcess([], code, stdout="", stderr=text)
        monkeypatch.setattr(room.subprocess, "run", lambda *_, **__: done)
        return validate(tmp_path / "one.dcm")

    found = said("MRImage\nError - </A> - gone\nWarning - <B> - odd\nan Error within\n")
    assert found.errors == ("Error - </A> - gone",)
    assert found.warnings == ("Warning - <B> - odd",)
    for text, code in (("", 0), ("cannot open", 1)):
        with pytest.raises(ValueError, match="nothing that could be read"):
            said(text, code)


def test_without_it_nothing_is_claimed(tmp_path, monkeypatch):
    (tmp_path / "one.dcm").touch()
    monkeypatch.setattr(room, "why_no_validator", lambda: "not here")
    found = validate(tmp_path / "one.dcm")
    assert not found.ran
    assert found.in_words.startswith("not validated")
    with pytest.raises(ValueError, match="not a file"):
        validate(tmp_path / "none.dcm")
