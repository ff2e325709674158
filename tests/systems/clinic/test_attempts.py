"""What arrives late, what is lost and what was written too early; and no date of today in it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from medlib.systems.clinic.journal import Journal, entries_of
from medlib.systems.clinic.name_search import NameSearch, bytes_of
from medlib.systems.clinic.pipeline import Pipeline
from medlib.systems.clinic.server_or_files import archive_in
from medlib.systems.clinic.simulated_study import as_series, identities
from medlib.systems.clinic.steps import STEPS
from medlib.systems.deidentification.keyed_values import keyed_uid
from tests.systems.clinic.conftest import ERIKA, KEY, READERS, head, study


def test_what_an_archive_lost_is_stored_again(filed):
    pipeline, uid = filed

    def lose(step, moment):
        if (step, moment) == ("store", "journalled"):
            min((pipeline.outbox.client._folder / name).rglob("*.dcm")).unlink()
            pipeline.outbox.client._reopen()

    name = keyed_uid(uid, key=KEY)
    found = replace(pipeline, pause=lose).run(uid)
    assert found.refused is None
    assert pipeline.outbox.digests(name) == found.objects


def test_a_study_that_comes_by_halves_is_refused_once_and_then_read(tmp_path):
    archive, images = archive_in(tmp_path / "archive"), study()
    uid = images[0].StudyInstanceUID
    pipeline = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY)
    archive.store(images[::2])
    first = pipeline.run(uid)
    assert (first.refused, first.attempt) == ("check", 1)
    assert all(span.kept for span in pipeline.run(uid).spans)
    archive.store(images[1::2])
    second = pipeline.run(uid)
    assert (second.refused, second.attempt) == (None, 2)
    assert pipeline.run(uid).objects == second.objects
    told = [(entry.body["attempt"], entry.body["step"]) for entry in entries_of(pipeline.ledger)]
    assert told == [(1, "receive"), (1, "check"), *((2, step) for step in STEPS)]
    whole = archive_in(tmp_path / "whole")
    whole.store(images)
    at_once = Pipeline(whole, whole, tmp_path / "work2", tmp_path / "ledger2", READERS, KEY)
    assert at_once.run(uid).objects.keys() == second.objects.keys()
    left = [path.relative_to(pipeline.folder).parts[2] for path in pipeline.folder.rglob("*.dcm")]
    assert not set(left) & {"receive", "check"}


def test_a_study_read_that_grows_is_looked_at_anew(filed):
    pipeline, uid = filed
    first = pipeline.run(uid)
    (again,) = study()[:1]
    again.SOPInstanceUID += "9"
    again.file_meta.MediaStorageSOPInstanceUID = again.SOPInstanceUID
    pipeline.inbox.store([again])
    second = pipeline.run(uid)
    assert (second.attempt, second.refused) == (2, None)
    assert [reason[0] for reason in second.reasons] == ["duplicate"]
    assert second.measured == first.measured
    assert second.objects.keys() != first.objects.keys()  # another report, for another set


def test_nothing_of_a_study_of_today_is_dated_today(tmp_path):
    """Of the very day and minute that the clock says; searched for in objects and ledger."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=250_000)
    images = as_series(head(), patient=ERIKA, accession="A1", when=now)
    archive = archive_in(tmp_path / "archive")
    archive.store(images)
    pipeline = Pipeline(
        archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY,
        clock=lambda: now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )  # fmt: skip
    found = pipeline.run(images[0].StudyInstanceUID)
    out = [bytes_of(one) for one in archive.fetch(found.study)]
    out += [path.read_bytes() for path in tmp_path.rglob("work/**/*") if path.is_file()]
    for one in [*out, pipeline.ledger.read_bytes()]:
        assert NameSearch(images, words=identities(ERIKA, "")[:4]).finds_in(one) == ()
    dates = [one.ContentDate for one in archive.fetch(found.study) if one.Modality == "SR"]
    assert dates != [now.strftime("%Y%m%d")]


class Stop(Exception):
    pass


@pytest.mark.parametrize(("step", "ends"), [("segment", False), ("gate", True)])
def test_a_line_before_its_files_stops_every_later_run_if_there_are_files(filed, step, ends):
    """What the exercise of the chapter asks."""
    pipeline, uid = filed
    name = keyed_uid(uid, key=KEY)

    def line_first(now, moment):
        if (now, moment) == (step, "begun"):
            (empty := pipeline.folder / "empty").mkdir()
            arrival = Journal(pipeline.ledger, name).arrival
            found = {"voxels": 0} if step == "segment" else {"p": 0.5}
            journal = Journal(pipeline.ledger, name, arrival=arrival)
            journal.write(step, folder=empty, found=found, time="2024-05-03T12:00:00Z")
            raise Stop

    with pytest.raises(Stop):
        replace(pipeline, pause=line_first).run(uid)
    for _ in range(2):
        if ends:
            assert pipeline.run(uid).refused is None
            continue
        with pytest.raises(ValueError, match="left other files"):
            pipeline.run(uid)


def test_a_truncated_image_is_refused_and_no_name_stays(tmp_path):
    archive, images = archive_in(tmp_path / "archive"), study()
    images[5].PixelData = images[5].PixelData[:-400]
    archive.store(images)
    pipeline = Pipeline(archive, archive, tmp_path / "work", tmp_path / "ledger", READERS, KEY)
    assert pipeline.run(images[0].StudyInstanceUID).refused == "check"
    assert not list(pipeline.folder.rglob("*.dcm"))
