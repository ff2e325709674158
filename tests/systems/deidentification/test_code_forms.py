"""The forms hold for the codes that pydicom lists, and a random or mistyped number has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr._concepts_dict import concepts

from medlib.systems.deidentification.code_forms import has_form_of_a_code


@pytest.mark.parametrize(("scheme", "most"), [("SCT", 1), ("LN", 1), ("RADLEX", 0)])
def test_against_pydicoms_lists(scheme, most):
    listed = {value for by_name in concepts[scheme].values() for value in by_name}
    listed = {value for value in listed if scheme == "SCT" or value[:3] in ("RID",)
              or (scheme == "LN" and value[:1].isdecimal())}  # fmt: skip
    without = [value for value in listed if not has_form_of_a_code(scheme, value)]
    assert len(listed) > 70
    assert len(without) <= most, without  # two are mistyped there


def test_few_random_numbers_are_codes():
    dates = [f"{year}{month:02d}{day:02d}" for year in range(1920, 2030)
             for month in range(1, 13) for day in range(1, 29)]  # fmt: skip
    share = sum(has_form_of_a_code("SCT", date) for date in dates) / len(dates)
    assert 0 < share < 0.01


@given(st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_shows(place, step):
    code = "10200004"
    other = code[:place] + str((int(code[place]) + step) % 10) + code[place + 1 :]
    assert has_form_of_a_code("SCT", code)
    assert not has_form_of_a_code("SCT", other)


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("DCM", "121071"), ("LOCAL", "1"), ("SCT", "Doe"), ("SCT", "010200004"), ("LN", "18747"),
     ("SRT", "Mrs Doe"), ("RADLEX", "RID")],
)  # fmt: skip
def test_what_has_no_form_is_none(scheme, value):
    assert not has_form_of_a_code(scheme, value)
