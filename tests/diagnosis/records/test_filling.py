"""Four rules against pandas and numpy; which of them look ahead, and what they keep."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medlib.diagnosis.records.filling import RULES, back_fill, forward_fill, interpolate

VALUES = st.one_of(st.just(np.nan), st.floats(-4, 4, width=32))
ROWS = arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 10), st.integers(1, 2)),
              elements=VALUES)  # fmt: skip


def column_by_column(rows, rule):
    filled = np.empty_like(rows)
    for patient, channel in np.ndindex(rows.shape[0], rows.shape[2]):
        filled[patient, :, channel] = rule(pd.Series(rows[patient, :, channel]))
    return filled


@given(ROWS)
def test_forward_and_back_are_those_of_pandas(rows):
    np.testing.assert_array_equal(
        forward_fill(rows), column_by_column(rows, lambda s: s.ffill().fillna(0))
    )
    np.testing.assert_array_equal(
        back_fill(rows), column_by_column(rows, lambda s: s.bfill().ffill().fillna(0))
    )


@given(ROWS)
def test_interpolation_is_that_of_numpy(rows):
    def peer(series):
        seen = np.flatnonzero(series.notna())
        return np.interp(np.arange(len(series)), seen, series[seen]) if len(seen) else 0.0

    np.testing.assert_allclose(interpolate(rows), column_by_column(rows, peer), atol=1e-5)


@pytest.mark.parametrize("name", RULES)
@given(rows=ROWS)
def test_what_was_measured_stays_and_no_gap_is_left(name, rows):
    filled = RULES[name](rows)
    assert filled.dtype == np.float32
    assert not np.isnan(filled).any()
    there = ~np.isnan(rows)
    np.testing.assert_allclose(filled[there], rows[there], atol=1e-6)


@pytest.mark.parametrize("name", ["mean", "forward"])
@given(rows=ROWS, later=st.integers(0, 2**31))
def test_rules_that_do_not_look_ahead_are_the_same_bit_for_bit(name, rows, later):
    half = rows.shape[1] // 2
    other = rows.copy()
    other[:, half:] = np.random.default_rng(later).normal(size=other[:, half:].shape)
    np.testing.assert_array_equal(RULES[name](rows)[:, :half], RULES[name](other)[:, :half])
    np.testing.assert_array_equal(RULES[name](rows)[:, :half], RULES[name](rows[:, :half]))


@pytest.mark.parametrize("name", ["back", "interpolation"])
def test_rules_that_look_ahead_change_with_what_comes(name):
    rows = np.array([[[1.0], [np.nan], [3.0]]], dtype=np.float32)
    other = rows.copy()
    other[0, 2] = 9.0
    assert RULES[name](rows)[0, 1] != RULES[name](other)[0, 1]
    assert RULES[name](rows[:, :2])[0, 1] == 1.0  # cut first: the last value is all there is
