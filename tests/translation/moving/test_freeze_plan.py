"""Freeze plans: each name falls on one side, and frozen depths are still in every mode."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.nets.depths import depth_of, freeze_all_but, modules_by_depth
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.translation.moving.freeze_plan import (
    FreezePlan,
    planned_parameters,
    set_modes,
)

NETWORK = EfficientNetLite0(classes=2)


@given(first=st.integers(0, 9), second=st.integers(0, 9))
def test_a_deeper_plan_moves_less(first, second):
    low, high = sorted((first, second))
    more, less = (set(planned_parameters(NETWORK, FreezePlan(from_depth=d))) for d in (low, high))
    assert less <= more
    assert (less == more) == (low == high)


def test_the_ends():
    names = tuple(name for name, _ in NETWORK.named_parameters())
    assert planned_parameters(NETWORK, FreezePlan(from_depth=0)) == names
    assert planned_parameters(NETWORK, FreezePlan(from_depth=9)) == names[-2:]


def test_parts_agree_with_the_names_of_depths():
    for depth, part in enumerate(modules_by_depth(NETWORK)):
        own = {id(p) for p in part.parameters()}
        assert own == {id(p) for n, p in NETWORK.named_parameters() if depth_of(n) == depth}


@pytest.mark.parametrize("depth", [0, 5, 9])
def test_a_forward_pass_renews_the_planned_statistics_and_no_other(imagenet, depth):
    plan = FreezePlan(from_depth=depth, statistics="batch")
    network = EfficientNetLite0()
    network.load_state_dict(imagenet.state_dict())
    set_modes(freeze_all_but(network, []), plan)
    with torch.no_grad():
        network(torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    old = imagenet.state_dict()
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, old[k])}
    buffers = {name for name, _ in network.named_buffers()}
    assert changed == {name for name in buffers if depth_of(name) >= depth}


def test_frozen_parameters_alone_do_not_make_a_still_network(imagenet):
    network = EfficientNetLite0()
    network.load_state_dict(imagenet.state_dict())
    freeze_all_but(network, []).train()
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network(images)
        assert not torch.equal(network.eval()(images), imagenet(images))


def test_source_statistics_leave_every_part_in_evaluation_mode():
    network = set_modes(EfficientNetLite0(classes=2).train(), FreezePlan(from_depth=0))
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from_depth": 10}, "depths run from 0 to 9"),
        ({"from_depth": -1}, "depths run from 0 to 9"),
        ({"from_depth": 3, "statistics": "target"}, 'choose "source" or "batch"'),
    ],
)
def test_a_plan_refuses_what_makes_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        FreezePlan(**options)
