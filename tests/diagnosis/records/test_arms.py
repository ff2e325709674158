"""What an arm sees, and what it cannot."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.records.arms import ARMS, Arm
from medlib.diagnosis.records.filling import RULES


def rows(seed=0, shape=(6, 12, 3)):
    rng = np.random.default_rng(seed)
    made = rng.normal(size=shape).astype(np.float32)
    made[rng.random(shape) < 0.6] = np.nan
    return made


@pytest.mark.parametrize("rule", RULES)
def test_values_are_filled_by_the_rule_and_masks_say_what_was_measured(rule):
    values, mask, since = (part.numpy() for part in Arm(rule).inputs(rows()))
    np.testing.assert_array_equal(values, RULES[rule](rows()))
    np.testing.assert_array_equal(mask == 1, ~np.isnan(rows()))
    assert (since[:, 0] == 0).all()
    assert (since[:, 1:] >= 1).all()


@pytest.mark.parametrize("name", ARMS)
def test_all_arms_are_one_network_but_for_what_they_see(name):
    network = ARMS[name].network(3, hidden=4, generator=torch.Generator().manual_seed(0))
    assert network.cell.of_state.weight.shape == (8, 4)
    assert network.cell.of_input.in_features == 3 * (1 + ARMS[name].masks + ARMS[name].intervals)


def test_masks_alone_sees_no_value():
    arm, twice = ARMS["masks alone"], rows() * 2
    for one, other in zip(arm.inputs(rows()), arm.inputs(twice), strict=True):
        assert torch.equal(one, other)


def test_decays_want_the_last_value():
    with pytest.raises(ValueError, match="rule is forward"):
        Arm("back", decays=True)
    with pytest.raises(ValueError, match="there are mean, forward"):
        Arm("spline")
