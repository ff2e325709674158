"""Gradual unfreezing: a staircase from the classifier down to the stem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing


@given(steps_per_depth=st.integers(1, 50), step=st.integers(1, 1000))
def test_each_step_moves_what_the_last_one_moved_and_at_most_one_depth_more(steps_per_depth, step):
    schedule = GradualUnfreezing(steps_per_depth=steps_per_depth)
    here, there = schedule.from_depth(step), schedule.from_depth(step + 1)
    assert 0 <= there <= here <= 9
    assert here - there == (step % steps_per_depth == 0 and here > 0)


@given(steps=st.integers(10, 500))
def test_within_gives_every_depth_its_steps_and_the_stem_at_least_as_many(steps):
    schedule = GradualUnfreezing.within(steps=steps)
    lowest = [schedule.from_depth(step) for step in range(1, steps + 1)]
    counts = [lowest.count(depth) for depth in range(10)]
    assert set(counts[1:]) == {schedule.steps_per_depth}
    assert counts[0] >= schedule.steps_per_depth


def test_a_short_training_never_reaches_the_stem():
    assert GradualUnfreezing.within(steps=4).from_depth(4) == 6


def test_errors_teach():
    with pytest.raises(ValueError, match="give each depth a step"):
        GradualUnfreezing(steps_per_depth=0)
    with pytest.raises(ValueError, match="steps count from 1"):
        GradualUnfreezing(steps_per_depth=1).from_depth(0)
