"""A server and a folder: the same verbs, the same answers, bit for bit."""

import copy

import pytest
from pydicom.uid import RLELossless

from medlib.systems.clinic import server_or_files as room
from medlib.systems.clinic.server_or_files import archive_in, digest_of_dataset, server_or_files
from tests.systems.clinic.conftest import PAUL, study


def test_what_is_stored_comes_back_to_the_bit_and_once(archive):
    images = study()
    uid = images[0].StudyInstanceUID
    assert archive.instances(uid) == []
    assert archive.digests(uid) == {}
    archive.store(images[:5])
    archive.store(images[3:])  # two of them for the second time
    assert archive.studies() == [uid]
    sent = {one.SOPInstanceUID: digest_of_dataset(one) for one in images}
    assert archive.digests(uid) == sent
    assert archive.instances(uid) == sorted(sent)
    archive.forget(uid)
    archive.forget(uid)
    assert archive.studies() == []


def test_what_is_there_is_not_overwritten(archive):
    images = study()
    archive.store(images)
    other = copy.deepcopy(images[0])
    other.PatientSex = "M"
    archive.store([other])
    assert archive.digests(other.StudyInstanceUID)[other.SOPInstanceUID] == digest_of_dataset(
        images[0]
    )


def test_a_compressed_image_stays_compressed_on_its_way(archive):
    one = study()[0]
    one.compress(RLELossless, generate_instance_uid=False)
    archive.store([one])
    (back,) = archive.fetch(one.StudyInstanceUID)
    assert back.file_meta.TransferSyntaxUID == RLELossless
    assert digest_of_dataset(back) == digest_of_dataset(one)


def test_two_patients_under_one_study_are_both_found(archive):
    """Orthanc keeps them as two studies and finds neither by the study's UID."""
    images = study()
    images[2].PatientID = PAUL.number
    archive.store(images)
    found = archive.fetch(images[0].StudyInstanceUID)
    assert len(found) == len(images)
    assert {one.PatientID for one in found} == {images[0].PatientID, PAUL.number}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_folder_takes_no_uid_that_names_another_place(tmp_path):
    one, archive = study()[0], archive_in(tmp_path / "archive")
    one.SeriesInstanceUID = "../../elsewhere"
    with pytest.raises(ValueError, match="digits and points"):
        archive.store([one])
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_is_read_again_by_another(tmp_path):
    images = study()
    archive_in(tmp_path / "archive").store(images)
    assert len(archive_in(tmp_path / "archive").fetch(images[0].StudyInstanceUID)) == len(images)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]  # nothing partial


def test_what_another_stored_or_deleted_since_is_seen(tmp_path):
    """As a process does that is killed after it stored: the list at opening knows nothing of it."""
    images = study()
    uid = images[0].StudyInstanceUID
    mine, theirs = archive_in(tmp_path / "archive"), archive_in(tmp_path / "archive")
    assert mine.studies() == theirs.studies() == []
    theirs.store(images)
    assert mine.studies() == [uid]
    assert len(mine.fetch(uid)) == len(mine.instances(uid)) == len(images)
    theirs.forget(uid)
    assert mine.studies() == []


def test_the_stand_in_says_what_it_stands_for(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "why_no_server", lambda: "no server today")
    with server_or_files(tmp_path / "a") as archive:
        assert (archive.kind, archive.why) == ("a folder of files", "no server today")
    with pytest.raises(ValueError, match="today"), server_or_files(tmp_path / "a", server=True):
        pass


def test_objects_that_are_not_taken_are_not_passed_over(tmp_path):
    class Full:
        def store_instances(self, datasets):
            from pydicom import Dataset

            answer, item = Dataset(), Dataset()
            item.FailureReason = 42752
            answer.FailedSOPSequence = [item]
            return answer

    with pytest.raises(ValueError, match=r"1 of 8 were not stored: \[42752\]"):
        room.Archive(Full(), "full").store(study())
