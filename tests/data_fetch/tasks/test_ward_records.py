"""The same patients under two policies: other times, same illness; and a table that adds up."""

import numpy as np
import pytest

from data_fetch.records import CHANNEL, PATIENT, TIME_H, VALUE
from data_fetch.simulated.ward import CHANNELS
from data_fetch.tasks.ward_records import ward_patients


@pytest.fixture(scope="module")
def ward():
    return ward_patients(300, rng=np.random.default_rng(0))


def test_policies_change_when_and_not_what(ward):
    quiet, keen = ward.records(follow=0.0), ward.records(follow=0.9)
    np.testing.assert_array_equal(quiet.outcome, keen.outcome)
    assert len(quiet.sample.array) != len(keen.sample.array)
    shared = {tuple(line[:3]): line[VALUE] for line in quiet.sample.array}
    both = [(shared[tuple(line[:3])], line[VALUE]) for line in keen.sample.array
            if tuple(line[:3]) in shared]  # fmt: skip
    assert len(both) > 100
    assert all(one == other for one, other in both)


def test_lines_are_what_was_ordered(ward):
    record = ward.records(follow=0.9)
    ordered = ward.course.ordered(0.9)[..., :-1]
    lines = record.sample.array
    assert len(lines) == ordered.sum()
    hour = np.floor(lines[:, TIME_H]).astype(int)
    who, channel = lines[:, PATIENT].astype(int), lines[:, CHANNEL].astype(int)
    assert ordered[who, hour, channel].all()
    np.testing.assert_array_equal(ward.course.values[who, hour, channel], lines[:, VALUE])
    assert record.channels == tuple((name, unit) for name, unit, *_ in CHANNELS)
    assert record.sample.kind == "simulated"
    assert lines[lines[:, CHANNEL] == 3, VALUE].max() <= 100


def test_films_come_at_times_of_their_own_and_again_the_same(ward):
    day, two_days = ward.films(follow=0.9), ward.films(follow=0.9, until_h=48)
    assert day.hours.max() <= 24
    assert 1.2 < len(day) / 300 < 2.6
    assert len(two_days) > len(day)
    again = ward.films(follow=0.9)
    np.testing.assert_array_equal(day.sample.array, again.sample.array)
    assert (np.bincount(day.patients, minlength=300) >= 1).all()
    with pytest.raises(ValueError, match="until_h=0"):
        ward.films(follow=0.9, until_h=0)


def test_another_seed_draws_other_patients(ward):
    other = ward_patients(300, rng=np.random.default_rng(1))
    assert (other.course.severity != ward.course.severity).all()
    assert other.film_seed != ward.film_seed
