"""One study all the way; each planted fault; done twice it is done once; no name gets out."""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from filelock import FileLock

from medlib.systems.clinic.journal import entries_of
from medlib.systems.clinic.name_search import bytes_of
from medlib.systems.clinic.pipeline import Pipeline
from medlib.systems.clinic.planted_faults import FAULTS, plant
from medlib.systems.clinic.server_or_files import Archive, archive_in, digest_of_dataset
from medlib.systems.clinic.simulated_study import identities
from medlib.systems.clinic.steps import STEPS
from medlib.systems.clinic.structured_report import Measured
from medlib.systems.deidentification.keyed_values import keyed_uid
from medlib.systems.deidentification.validator import leaks
from tests.systems.clinic.conftest import ERIKA, KEY, PAUL, READERS, study

OTHER = study(1, patient=PAUL, accession="A2")
REFUSED = {
    "wrong modality": "wrong modality",
    "missing spacing": "missing spacing",
    "half a series": "missing slices",
    "a slice missing": "missing slices",
    "another patient's slice": "another patient",
    "lossy compression": "lossy",
    "lossy, not said": "lossy syntax",
}


@pytest.fixture
def pipeline(archive, tmp_path):
    return Pipeline(
        inbox=archive, outbox=archive, folder=tmp_path / "work", ledger=tmp_path / "ledger",
        readers=READERS, key=KEY,
    )  # fmt: skip


def test_one_study_goes_all_the_way_and_only_once(pipeline, tmp_path):
    images = study()
    pipeline.outbox.store(images)
    uid = images[0].StudyInstanceUID
    found = pipeline.run(uid)
    assert found.refused is None
    assert found.reasons == ()
    assert found.measured == Measured(0.8, 1, 0.93)
    assert found.study == keyed_uid(uid, key=KEY)
    assert pipeline.outbox.digests(found.study) == found.objects
    assert len(found.objects) == 8 + 2
    assert [span.step for span in found.spans] == list(STEPS)
    assert not any(span.kept for span in found.spans)
    written = pipeline.ledger.read_bytes()

    again = pipeline.run(uid)
    assert again.objects == found.objects
    assert again.measured == found.measured
    assert all(span.kept for span in again.spans)
    assert pipeline.ledger.read_bytes() == written
    assert [entry.body["step"] for entry in entries_of(pipeline.ledger)] == list(STEPS)

    back = pipeline.outbox.fetch(found.study)
    said = {one.Modality: one.LongitudinalTemporalInformationModified for one in back}
    assert said == {"MR": "REMOVED", "SEG": "MODIFIED", "SR": "MODIFIED"}
    assert {one.PatientIdentityRemoved for one in back} == {"YES"}
    words = [word.encode() for word in identities(ERIKA, "A1")]
    (tmp_path / "out").mkdir()
    for one in back:
        one.save_as(tmp_path / "out" / "one.dcm", enforce_file_format=True)
        out = (tmp_path / "out" / "one.dcm").read_bytes()
        assert leaks(images[0], out) == ()
        assert not [word for word in words if word in out]
    kept = [path for path in pipeline.folder.rglob("*") if path.is_file()]
    for path in [*kept, pipeline.ledger]:
        held = path.read_bytes()
        assert not [word for word in words if word in held], path
        assert str(uid).encode() not in held, path
    assert stat.S_IMODE(os.stat(pipeline.folder).st_mode) == 0o700
    plain = {hashlib.sha256(bytes_of(one)).hexdigest() for one in pipeline.inbox.fetch(uid)}
    assert not [digest for digest in plain if digest.encode() in written]


@pytest.mark.parametrize("fault", sorted(REFUSED))
def test_a_fault_that_cannot_be_mended_is_refused_with_its_reason(pipeline, fault):
    images = plant(fault, study(), other=OTHER)
    pipeline.inbox.store(images)
    found = pipeline.run(images[0].StudyInstanceUID)
    assert found.refused == "check"
    assert found.measured is None
    assert found.objects == {}
    assert found.reasons[0][:2] == (REFUSED[fault], "refused")
    assert pipeline.outbox.instances(found.study) == []
    entries = entries_of(pipeline.ledger)
    assert [entry.body["step"] for entry in entries] == ["receive", "check"]
    assert entries[-1].body["found"]["reasons"][0][2] == found.reasons[0][2]
    assert not (pipeline.folder / found.study / "1" / "receive").exists()
    again = pipeline.run(images[0].StudyInstanceUID)
    assert again.refused == "check"
    assert all(span.kept for span in again.spans)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - REFUSED.keys() - {"none"}))
def test_a_fault_that_is_mended_changes_no_result(fault, tmp_path):
    results = []
    for name in ("none", fault):
        archive = archive_in(tmp_path / name / "archive")
        images = plant(name, study(), other=OTHER)
        archive.store(images)
        pipeline = Pipeline(
            archive, archive, tmp_path / name / "work", tmp_path / name / "ledger", READERS, KEY
        )
        results.append(pipeline.run(images[0].StudyInstanceUID))
    plain, mended = results
    assert [reason[1] for reason in mended.reasons] == ["mended"]
    assert mended.measured == plain.measured
    assert len(mended.objects) == len(plain.objects)
    made_anew = mended.objects.keys() - plain.objects.keys()  # names follow from what had arrived
    assert len(made_anew) == (2 if fault == "duplicate" else 0)


def test_an_unusual_study_is_not_read(tmp_path):
    archive = archive_in(tmp_path / "archive")
    images = study()
    archive.store(images)
    odd = replace(READERS, novelty=lambda volume: (9.0, 0.01))
    pipeline = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", odd, KEY)
    found = pipeline.run(images[0].StudyInstanceUID)
    assert found.refused == "gate"
    assert found.reasons[0][0] == "out of distribution"
    assert archive.instances(found.study) == []


def test_burned_in_text_is_refused_by_deidentification(tmp_path):
    archive = archive_in(tmp_path / "archive")
    images = study()
    for one in images:
        one.BurnedInAnnotation = "YES"
    archive.store(images)
    pipeline = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY)
    found = pipeline.run(images[0].StudyInstanceUID)
    assert found.refused == "deidentify"
    assert "BurnedInAnnotation" in found.reasons[0][2]


def test_files_that_were_changed_are_made_again(filed):
    pipeline, uid = filed

    class Enough(Exception):
        pass

    def stop(step, moment):
        if (step, moment) == ("write", "begun"):
            raise Enough

    with pytest.raises(Enough):
        replace(pipeline, pause=stop).run(uid)
    mask = next(pipeline.folder.rglob("mask.npy"))
    whole = mask.read_bytes()
    mask.write_bytes(whole[:-1] + b"\1")
    found = pipeline.run(uid)
    assert [span.step for span in found.spans if not span.kept] == [
        "segment", *STEPS[STEPS.index("write") :]
    ]  # fmt: skip
    assert next(pipeline.folder.rglob("mask.npy")).read_bytes() == whole
    assert len(entries_of(pipeline.ledger)) == len(STEPS)


@pytest.mark.parametrize("killed_at", ["segment", "write"])
@pytest.mark.parametrize("other", [{"learned": "2"}, {"level": 0.06}, {"threshold": 0.4}])
def test_a_network_that_was_replaced_in_between_shares_no_report(filed, killed_at, other):
    """Its answers are the same, so that no file tells: only the version does."""
    pipeline, uid = filed

    class Killed(Exception):
        pass

    def kill(step, moment):
        if (step, moment) == (killed_at, "begun"):
            raise Killed

    with pytest.raises(Killed):
        replace(pipeline, pause=kill).run(uid)
    with pytest.raises(
        ValueError, match=r"was done by threshold 1 0\.05/0\.5, and threshold [12] "
    ):
        replace(pipeline, readers=replace(READERS, **other)).run(uid)
    assert pipeline.outbox.instances(keyed_uid(uid, key=KEY)) == []
    assert pipeline.run(uid).refused is None  # the earlier one, put back


def test_ledger_and_report_say_by_which_level_and_threshold(filed):
    pipeline, uid = filed
    version = replace(READERS, threshold=0.4).version
    found = replace(pipeline, readers=replace(READERS, threshold=0.4)).run(uid)
    said = [entry.body["found"].get("by") for entry in entries_of(pipeline.ledger)]
    assert said.count(("threshold", version)) == 4
    for one in pipeline.outbox.fetch(found.study):
        if one.Modality in ("SEG", "SR"):
            assert version in str(one)


def test_a_network_that_was_replaced_after_the_last_word_changes_nothing(filed):
    pipeline, uid = filed
    first = pipeline.run(uid)
    assert (
        replace(pipeline, readers=replace(READERS, learned="2")).run(uid).objects == first.objects
    )


def test_a_network_that_changed_in_between_is_noticed(filed):
    pipeline, uid = filed
    pipeline.run(uid)
    folder = pipeline.folder / keyed_uid(uid, key=KEY) / "1"
    lines = pipeline.ledger.read_bytes().splitlines(keepends=True)
    pipeline.ledger.write_bytes(b"".join(lines[:-1]))  # as if killed before the last line
    (folder / "segment" / "mask.npy").unlink()
    other = replace(READERS, mask=lambda volume: volume > 500)
    with pytest.raises(ValueError, match="left other files"):
        replace(pipeline, readers=other).run(uid)


def test_an_archive_that_alters_or_loses_is_found_out(filed):
    pipeline, uid = filed

    @dataclass(frozen=True)
    class Bad(Archive):
        """As the archive, but for what it gives back."""

        spoil: Callable = list.pop

        def fetch(self, study):
            found = Archive.fetch(self, study)
            self.spoil(found)
            return found

    def alter(found):
        found[0].SeriesDescription = "altered"

    for spoil in (alter, list.pop, list.clear):
        with pytest.raises(ValueError, match="objects were sent"):
            replace(pipeline, outbox=Bad(*vars(pipeline.outbox).values(), spoil)).run(uid)
    assert pipeline.run(uid).refused is None


def test_two_runs_of_one_study_and_unknown_studies_are_told(filed):
    pipeline, uid = filed
    pipeline.folder.mkdir(mode=0o700)
    lock = pipeline.folder / f"{keyed_uid(uid, key=KEY)}.lock"
    with FileLock(lock), pytest.raises(ValueError, match="another run"):
        pipeline.run(uid)
    with pytest.raises(ValueError, match="not in the inbox"):
        pipeline.run("1.2.3")


def test_another_key_gives_other_names_and_the_same_results(filed, tmp_path):
    pipeline, uid = filed
    one = pipeline.run(uid)
    other = replace(
        pipeline, key=bytes(32), folder=tmp_path / "work2", ledger=tmp_path / "ledger2"
    ).run(uid)
    assert one.measured == other.measured
    assert not one.objects.keys() & other.objects.keys()
    assert digest_of_dataset(pipeline.inbox.fetch(uid)[0])  # and the original is still there
