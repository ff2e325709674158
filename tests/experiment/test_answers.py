"""What a student types becomes a number, an array, a function, or a kind sentence."""

import contextlib
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment.answers import (
    NotYet,
    Unanswered,
    WrongForm,
    as_array,
    as_function,
    as_number,
    attempt,
)


@pytest.mark.parametrize(
    "answer",
    [
        2,
        2.0,
        np.float32(2),
        np.array(2),
        torch.tensor(2),
        Fraction(2),
        np.int64(2),
        torch.tensor([2]),
    ],
)
def test_a_number_of_any_library_is_a_number(answer):
    assert as_number(answer) == 2.0


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_is_no_answer_yet(answer):
    for turn in (as_number, as_function, lambda a: as_array(a, shape=(2,))):
        with pytest.raises(Unanswered, match="in place of `None`"):
            turn(answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("2", "without quotes"),
        ("2 mm", "alone in mm, without quotes"),
        (True, "yes or no"),
        (float("nan"), "nan"),
        (math.inf, "divided by zero"),
        ([2], "stands in a list; give one number in mm alone"),
        ((1, 2), "these are 2 values"),
        (np.zeros(3), "these are 3 values"),
        (torch.zeros(2, 2), "these are 4 values"),
        ({}, "0 values"),
        (print, "this is a function"),
        (2j, "a complex is not a number"),
        (object(), "an object is not a number"),
        (10**400, "an int is not a number"),
    ],
)
def test_what_is_no_number_is_told_what_it_is(answer, said):
    with pytest.raises(WrongForm, match=said):
        as_number(answer, unit="mm")


def test_an_array_may_come_as_lists_or_tensors():
    for answer in ([[1, 2], [3, 4]], np.arange(1, 5).reshape(2, 2), torch.tensor([[1, 2], [3, 4]])):
        assert as_array(answer, shape=(2, None)).tolist() == [[1, 2], [3, 4]]
    grown = torch.ones(2, requires_grad=True)
    assert as_array(grown, shape=(2,)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            [1, 2, 3, 4],
            r"flat list of 4; give an array of shape \(2, 2\) \(rows, columns\), nested",
        ),
        ([[1, 2, 3], [1, 2, 3]], r"its shape is \(2, 3\)"),
        ([[1, 2], [3]], "rows differ in length"),
        ([["a", "b"], ["c", "d"]], "not a number"),
        ([[1, 2], [3, float("nan")]], "nan"),
        ("array", "a text is not an array"),
        (print, "a function is not an array"),
        (3.0, r"its shape is \(\)"),
        (object(), "cannot become an array"),
    ],
)
def test_what_is_no_such_array_is_told_what_it_is(answer, said):
    with pytest.raises(WrongForm, match=said):
        as_array(answer, shape=(2, 2), means="rows, columns")


def test_a_function_that_stops_is_reported_in_a_line():
    with pytest.raises(WrongForm, match="your function stops with ZeroDivisionError: division"):
        attempt(lambda x: x / 0, 1)
    with pytest.raises(WrongForm, match="a float is no function"):
        attempt(3.0)
    with pytest.raises(Unanswered, match="returns None"):
        attempt(lambda: None)
    assert attempt(lambda x, y: x + y, 1, y=2) == 3


def test_a_sentence_from_inside_passes_through():
    def checks_itself():
        raise NotYet("so it is")

    with pytest.raises(NotYet, match="so it is"):
        attempt(checks_itself)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.timedeltas()
    | st.fractions()
    | st.sampled_from([..., object(), int, len, lambda: 1, range(3), np.nan, NotImplemented])
)


@given(
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(), inner)
            | st.lists(inner).map(iter)
        ),
    )
)
def test_nothing_makes_a_traceback(answer):
    for turn in (as_number, lambda a: as_array(a, shape=(None, 2)), attempt):
        with contextlib.suppress(NotYet):
            turn(answer)
