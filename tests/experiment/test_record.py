"""The record's schema: round trip, versions, damage, atomic writing."""

import json
import os
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from medlib.experiment import record as module
from medlib.experiment.record import Claim, Device, Record, RecordError, Result, read_record


def make_record(**changes) -> Record:
    values = {
        "chapter": "pixels/tiny",
        "profile": "book",
        "seed": 0,
        "parameters": {"seed": 0},
        "results": [Result(name="mean", value=1.5, unit="mm", low=1.0, high=2.0, n=9)],
        "claims": [Claim(text="the mean is positive", holds=True, margin=1.5, unit="mm")],
        "python": "3.11.7",
        "platform": "linux",
        "device": Device(requested="auto", used="cpu", name="cpu"),
        "threads": 1,
        "started": datetime(2026, 1, 1, tzinfo=UTC),
        "wall_s": 1.0,
        "cpu_s": 1.0,
        "peak_memory_mib": 100.0,
    }
    return Record(**{**values, **changes})


def test_round_trip_is_exact(tmp_path):
    record = make_record(results=[Result(name="tenth", value=0.1 + 0.2)])
    record.write(tmp_path / "deep" / "record.json")
    assert read_record(tmp_path / "deep" / "record.json") == record


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a readable run record"),
        ("{", "not a readable run record"),
        ("[]", "record schema None"),
        ('{"schema_version": 99}', "record schema 99, this version reads 1"),
        ('{"schema_version": 1, "chapter": 3}', "damaged record"),
    ],
)
def test_damage_is_named_in_one_line(tmp_path, text, says):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=says) as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


def test_missing_record_says_to_run(tmp_path):
    with pytest.raises(RecordError, match="run the chapter first"):
        read_record(tmp_path / "record.json")


def test_unknown_fields_and_repeated_names_are_refused(tmp_path):
    with pytest.raises(ValidationError, match="recorded twice: mean"):
        make_record(results=[Result(name="mean", value=1.0)] * 2)
    raw = json.loads(make_record().model_dump_json()) | {"extra": 1}
    (tmp_path / "r.json").write_text(json.dumps(raw))
    with pytest.raises(RecordError, match="extra"):
        read_record(tmp_path / "r.json")


def test_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    path.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        make_record().write(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_result_prints_its_unit_unless_told_how():
    result = Result(name="gain", value=1.23456, unit="dB", atol=0.1)
    assert f"{result}" == "1.235 dB"
    assert f"{result:.1f}" == "1.2"
    assert result.tolerance == pytest.approx(0.1 + 1.23456e-6)
    assert make_record().result("mean").interval == (1.0, 2.0)
    with pytest.raises(KeyError, match="there are"):
        make_record().result("median")
