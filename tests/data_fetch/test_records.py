"""Records and films refuse what they could not mean."""

import numpy as np
import pytest

from data_fetch.records import VALUE, Films, Records
from data_fetch.sample import Sample, sha256_of_array


def sample(array):
    return Sample(array, name="x", kind="simulated", unit="", sha256=sha256_of_array(array))


def records(lines, **changes):
    lines = np.array(lines, dtype=changes.pop("dtype", np.float64))
    made = {"channels": (("a", ""), ("b", "")), "outcome": np.array([0, 1]), "hours": 48}
    return Records(sample=sample(lines), names=("no", "yes"), **(made | changes))


GOOD = [[0, 1.0, 0, 3.0], [0, 2.0, 1, 4.0], [1, 0.5, 0, 5.0]]


def test_a_patients_lines_are_his_own():
    assert records(GOOD).of(0)[:, VALUE].tolist() == [3.0, 4.0]
    assert records(GOOD).of(1)[:, VALUE].tolist() == [5.0]
    assert len(records(np.zeros((0, 4)))) == 2


@pytest.mark.parametrize(
    ("lines", "changes", "says"),
    [
        ([[0, 1.0, 0]], {}, "shape"),
        (GOOD, {"dtype": np.float32}, "float64"),
        ([[2, 1.0, 0, 3.0]], {}, "patients run from 2"),
        ([[0, 49.0, 0, 3.0]], {}, "times run from 49"),
        ([[0, 1.0, 2, 3.0]], {}, "channels run from 2"),
        (GOOD[::-1], {}, "out of order"),
        ([[0, 1.0, 0, np.nan]], {}, "nothing was measured"),
        (GOOD, {"outcome": np.array([0, 2])}, "0 or 1"),
    ],
)
def test_what_makes_no_sense_is_refused(lines, changes, says):
    with pytest.raises(ValueError, match=says):
        records(lines, **changes)


def films(**changes):
    made = {"patients": np.array([0, 0, 1]), "hours": np.array([1.0, 9.0, 2.0])}
    made["cloudy"] = np.zeros(3)
    return Films(sample=sample(np.zeros((3, 4, 4), dtype=np.uint8)), **(made | changes))


def test_films_know_what_was_taken_by_an_hour():
    assert films().until(2.0).tolist() == [True, False, True]
    assert len(films()) == 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hours": np.array([1.0, 9.0])}, "3 films"),
        ({"hours": np.array([9.0, 1.0, 2.0])}, "out of order"),
        ({"patients": np.array([1, 0, 0])}, "out of order"),
    ],
)
def test_films_that_do_not_fit_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        films(**changes)
