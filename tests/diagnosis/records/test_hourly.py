"""Rows hold what was measured in their hour; intervals follow the paper's recursion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medlib.diagnosis.records.hourly import Scale, hourly_rows, hours_since, measured

MASKS = arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 3)))


def test_a_row_holds_the_last_value_of_its_hour():
    lines = np.array(
        [[0, 0.0, 0, 1.0], [0, 1.0, 0, 2.0], [0, 1.2, 1, 3.0], [0, 1.9, 1, 4.0], [1, 3.0, 0, 5.0]]
    )
    rows = hourly_rows(lines, patients=2, channels=2, hours=3)
    expected = np.full((2, 3, 2), np.nan, dtype=np.float32)
    expected[0, 0, 0], expected[0, 1, 1], expected[1, 2, 0] = 2.0, 4.0, 5.0
    np.testing.assert_array_equal(rows, expected)


def test_what_is_known_at_an_hour_does_not_depend_on_what_comes_later():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 10, 60))
    lines = np.stack([np.zeros(60), times, rng.integers(0, 2, 60), rng.normal(size=60)], axis=1)
    whole = hourly_rows(lines, patients=1, channels=2, hours=10)
    for hour in range(1, 10):
        early = hourly_rows(lines[times <= hour], patients=1, channels=2, hours=10)
        np.testing.assert_array_equal(early[:, :hour], whole[:, :hour])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ([2, 1.0, 0, 1.0], "patient 2"),
        ([0, 9.0, 0, 1.0], "hour 8"),
        ([0, 1.0, 3, 1.0], "channel 3"),
    ],
)
def test_what_lies_outside_is_named(line, says):
    with pytest.raises(ValueError, match=says):
        hourly_rows(np.array([line]), patients=2, channels=2, hours=4)


def test_lines_out_of_order_are_refused():
    with pytest.raises(ValueError, match="sort them"):
        hourly_rows(np.array([[0, 2.0, 0, 1], [0, 1.0, 0, 1]]), patients=1, channels=1, hours=4)


def test_intervals_by_hand():
    mask = np.array([[[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]], dtype=bool)
    expected = [[0, 0], [1, 1], [2, 1], [3, 2], [1, 3]]
    np.testing.assert_array_equal(hours_since(mask)[0], expected)


@given(MASKS)
def test_an_interval_reaches_back_to_the_last_measurement(mask):
    since = hours_since(mask)
    for place in np.ndindex(mask.shape):
        patient, hour, channel = place
        before = np.flatnonzero(mask[patient, :hour, channel])
        assert since[place] == (hour - before[-1] if len(before) else hour)


def test_a_scale_is_that_of_measured_values_alone():
    rng = np.random.default_rng(1)
    rows = rng.normal(5, 3, size=(40, 12, 2)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.7] = np.nan
    scaled = Scale.of(rows)(rows)
    np.testing.assert_array_equal(measured(scaled), measured(rows))
    np.testing.assert_allclose(np.nanmean(scaled, axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(np.nanstd(scaled, axis=(0, 1)), 1, atol=1e-5)


def test_a_channel_that_nobody_measured_has_no_scale():
    rows = np.zeros((3, 2, 2), dtype=np.float32)
    rows[..., 1] = np.nan
    with pytest.raises(ValueError, match="channel 1 was measured 0 times"):
        Scale.of(rows)


def test_a_typing_error_does_not_stretch_a_scale_whose_tails_are_drawn_in():
    rng = np.random.default_rng(0)
    rows = rng.normal(7.4, 0.1, (200, 5, 1)).astype(np.float32)
    rows[0, 0, 0] = 735.0
    assert Scale.of(rows).spread[0] > 20
    scale = Scale.of(rows, tails=0.005)
    assert scale.spread[0] == pytest.approx(0.1, abs=0.01)
    assert np.nanmax(scale(rows)) < 4
    assert np.isnan(scale(np.full((1, 1, 1), np.nan, dtype=np.float32))).all()
    with pytest.raises(ValueError, match="tails"):
        Scale.of(rows, tails=0.5)
