"""The five arms: which of them moves what, and the rates they have in each situation."""

import pytest

from medlib.translation.moving.five_arms import NAMES, RATES, trial_arm


def test_the_arms_differ_in_what_moves_and_how_fast_and_in_nothing_else():
    arms = {name: trial_arm(name, "many", depth_factor=0.6) for name in NAMES}
    assert [arm.moves for arm in arms.values()] == ["all", "head", "norm", "all", "all"]
    assert [name for name, arm in arms.items() if arm.depth_factor != 1] == ["graded"]
    assert [name for name, arm in arms.items() if not arm.pretrained] == ["scratch"]
    assert [name for name, arm in arms.items() if arm.statistics == "batch"] == ["scratch"]
    assert {arm.weight_decay for arm in arms.values()} == {1e-2}


@pytest.mark.parametrize("situation", RATES)
def test_an_arm_has_the_rate_of_its_situation_unless_another_is_asked_for(situation):
    for name, rate in RATES[situation].items():
        assert trial_arm(name, situation, depth_factor=0.6).peak_rate == rate
        assert trial_arm(name, situation, depth_factor=0.6, peak_rate=0.5).peak_rate == 0.5


def test_unknown_names_are_told_with_those_that_there_are():
    with pytest.raises(ValueError, match="no arm 'all'; there are scratch, frozen"):
        trial_arm("all", "few", depth_factor=0.6)
    with pytest.raises(ValueError, match="no situation 'short'; there are few, many, long"):
        trial_arm("full", "short", depth_factor=0.6)
