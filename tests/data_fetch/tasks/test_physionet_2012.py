"""The challenge's format on loopback: a small archive of text files, and a file of outcomes."""

import hashlib
import io
import tarfile

import numpy as np
import pytest

from data_fetch.catalog import dataset
from data_fetch.errors import ChecksumError, DataError
from data_fetch.records import CHANNEL, TIME_H, VALUE
from data_fetch.tasks import physionet_2012 as physionet
from tests.data_fetch.loopback import QUICK, whole

FIRST = """Time,Parameter,Value
00:00,RecordID,132540
00:00,Age,76
00:00,Gender,1
00:00,Height,175.3
00:00,ICUType,2
00:00,Weight,76
00:42,HR,88
00:42,Temp,35.1
01:11,HR,90
01:11,SysABP,-1
47:30,HR,86
48:00,Lactate,2.5
"""
SECOND = """Time,Parameter,Value
00:00,RecordID,132539
00:00,Age,54
00:07,HR,73
00:07,GCS,15
"""
OUTCOMES = """RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death
132540,16,8,8,-1,0
132539,6,1,5,3,1
"""


def archive(files):
    """The bytes of a gzipped tar with a folder and text files, as the publisher packs them."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as tar:
        folder = tarfile.TarInfo("set-a")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, text in files.items():
            member = tarfile.TarInfo(f"set-a/{name}.txt")
            member.size = len(text.encode("ascii"))
            tar.addfile(member, io.BytesIO(text.encode("ascii")))
    return body.getvalue()


BOTH = {"132540": FIRST, "132539": SECOND}


@pytest.fixture
def serve(server, monkeypatch):
    def with_files(files=BOTH, outcomes=OUTCOMES, *, body=None, sha256=None):
        bodies = {
            "physionet2012": archive(files) if body is None else body,
            "physionet2012_outcomes": outcomes.encode("ascii"),
        }
        entries = {}
        for name, content in bodies.items():
            server.answers[f"/{name}"] = [whole(content)]
            digest = sha256 or hashlib.sha256(content).hexdigest()
            entries[name] = dataset(name).model_copy(
                update={"urls": (server.url(f"/{name}"),), "sha256": digest}
            )
        monkeypatch.setattr(physionet, "dataset", entries.__getitem__)
        real = physionet.fetch
        monkeypatch.setattr(
            physionet,
            "fetch",
            lambda wanted, **how: real(
                entries[wanted] if isinstance(wanted, str) else wanted, **how
            ),
        )

    return with_files


def read(folder, **how):
    return physionet.physionet_2012(folder=folder, transfer=QUICK, **how)


def test_stays_come_in_the_order_of_their_numbers(serve, tmp_path):
    serve()
    found = read(tmp_path)
    assert len(found) == 2
    assert found.outcome.tolist() == [1, 0]  # 132539 died, 132540 did not
    assert (found.hours, found.sample.kind) == (48, "real")
    names = [name for name, _ in found.channels]
    lines = found.of(1)
    told = [(names[int(channel)], round(at, 4), value)
            for at, channel, value in lines[:, [TIME_H, CHANNEL, VALUE]]]  # fmt: skip
    assert told == [
        ("HR", 0.7, 88.0), ("Temp", 0.7, 35.1), ("HR", 1.1833, 90.0), ("HR", 47.5, 86.0),
        ("Lactate", 48.0, 2.5),
    ]  # fmt: skip


def test_what_is_unknown_or_no_measurement_is_left_out(serve, tmp_path):
    serve()
    values = read(tmp_path).sample.array[:, VALUE]
    assert (values >= 0).all()
    assert 132540 not in values
    assert 175.3 not in values


def test_series_can_be_asked_for(serve, tmp_path):
    serve()
    found = read(tmp_path, series=["GCS"])
    assert found.channels == (("GCS", "points"),)
    np.testing.assert_array_equal(found.sample.array[:, VALUE], [15.0])
    with pytest.raises(DataError, match="each once"):
        read(tmp_path, series=["HR", "HR"])


@pytest.mark.parametrize(
    ("files", "outcomes", "says"),
    [
        ({}, OUTCOMES, "holds no patient's file"),
        ({"132540": "a,b\n"}, OUTCOMES, r"begins with \['a', 'b'\]"),
        ({"132540": "Time,Parameter,Value\n00:61,HR,3\n"}, OUTCOMES, "not in 48 hours"),
        ({"132540": "Time,Parameter,Value\n49:00,HR,3\n"}, OUTCOMES, "not in 48 hours"),
        ({"132540": "Time,Parameter,Value\n00:01,HR,x\n"}, OUTCOMES, "line 2"),
        ({"132540": "Time,Parameter,Value\n00:01,HR\n"}, OUTCOMES, "line 2"),
        ({"7": FIRST}, OUTCOMES, "no outcome of patient 7"),
        (BOTH, "RecordID,Died\n1,0\n", "expected RecordID, In-hospital_death"),
        (BOTH, OUTCOMES.replace(",0\n", ",2\n"), "0 or 1"),
        (BOTH, OUTCOMES.replace(",0\n", ",no\n"), "not a number"),
    ],
)
def test_a_file_of_another_content_is_refused(serve, tmp_path, files, outcomes, says):
    serve(files, outcomes)
    with pytest.raises(DataError, match=says):
        read(tmp_path)


def test_what_is_no_archive_is_refused(serve, tmp_path):
    serve(body=b"no archive at all")
    with pytest.raises(DataError, match="no archive of text files"):
        read(tmp_path)


def test_other_bytes_than_published_are_not_kept(serve, tmp_path):
    serve(sha256="0" * 64)
    with pytest.raises(ChecksumError):
        read(tmp_path)
    assert not (tmp_path / dataset("physionet2012").file).exists()


def test_the_registry_names_physionet_and_both_sizes():
    """Sizes as PhysioNet shows them; digests as medical_ts_datasets 0.1 pins them."""
    stays, outcomes = dataset("physionet2012"), dataset("physionet2012_outcomes")
    assert (stays.size_bytes, outcomes.size_bytes) == (6_632_372, 79_219)
    assert all(e.urls[0].startswith("https://physionet.org/files/challenge-2012/1.0.0/")
               for e in (stays, outcomes))  # fmt: skip
    assert set(physionet.SERIES) >= {"HR", "Lactate", "Creatinine", "GCS"}
