"""Nothing of a clock or of chance is left in what we write."""

from datetime import datetime

from pydicom import Dataset

from medlib.systems.clinic.own_uids import Stamp, digest_of_set, settle, shift_of
from medlib.systems.deidentification.keyed_values import days_back
from tests.systems.clinic.conftest import KEY

WHEN = datetime(2024, 5, 3, 10, 30)


def test_uids_follow_from_key_study_and_purpose():
    stamps = [Stamp(KEY, "1.2", WHEN), Stamp(KEY, "1.3", WHEN), Stamp(bytes(32), "1.2", WHEN)]
    uids = {stamp.uid(purpose) for stamp in stamps for purpose in ("mask", "report")}
    assert len(uids) == 6
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert Stamp(KEY, "1.2", datetime(1999, 1, 1)).uid("mask") == stamps[0].uid("mask")


def test_times_at_all_depths_are_settled_and_those_of_the_patient_are_not():
    inner, outer = Dataset(), Dataset()
    inner.ContributionDateTime = "20991231235959"
    inner.DimensionOrganizationUID = "1.2.3"
    outer.ContributingEquipmentSequence = [inner]
    outer.ContentTime, outer.StudyDate, outer.TimezoneOffsetFromUTC = "235959", "20200101", "+0200"
    stamp = Stamp(KEY, "1.2", WHEN)
    settle(outer, stamp)
    assert inner.ContributionDateTime == "20240503103000"
    assert inner.DimensionOrganizationUID == stamp.uid("organisation of dimensions")
    assert (outer.ContentTime, outer.StudyDate) == ("103000", "20200101")
    assert outer.TimezoneOffsetFromUTC == "+0000"
    assert outer.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "LongitudinalTemporalInformationModified" not in inner


def test_times_move_by_the_days_of_deidentification_and_a_part_of_a_day():
    shifts = {shift_of(f"{number:07d}", key=KEY) for number in range(50)}
    assert len({shift.seconds for shift in shifts}) > 45
    assert shift_of("0031415", key=KEY).days == days_back("0031415", key=KEY)
    assert shift_of("0031415", key=bytes(32)) != shift_of("0031415", key=KEY)


def test_a_set_has_no_order_and_no_doubles():
    one = digest_of_set(["1.2", "1.3"], key=KEY)
    assert one == digest_of_set(["1.3", "1.2", "1.3"], key=KEY)
    others = [digest_of_set(["1.2"], key=KEY), digest_of_set(["1.2", "1.3"], key=bytes(32))]
    assert one not in others
