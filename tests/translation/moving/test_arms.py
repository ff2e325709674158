"""Arms: exactly the intended parameters move, each depth at its own rate."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from medlib.nets.depths import LAST_DEPTH, depth_of, freeze_all_but
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.translation.moving.arms import Arm, moving_parameters, rate_groups
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing

NETWORK = EfficientNetLite0(classes=2)
THAW = GradualUnfreezing(steps_per_depth=1)


def count(names):
    sizes = {name: p.numel() for name, p in NETWORK.named_parameters()}
    return sum(sizes[name] for name in names)


def test_counts_of_what_moves():
    assert count(moving_parameters(NETWORK, moves="head")) == 2 * 1280 + 2
    norm = [m for m in NETWORK.modules() if isinstance(m, nn.BatchNorm2d)]
    channels = sum(m.num_features for m in norm)
    assert count(moving_parameters(NETWORK, moves="norm")) == 2562 + 2 * channels
    assert channels == 21_008  # 1.25 % of the parameters, scale and shift together
    everything = sum(p.numel() for p in NETWORK.parameters())
    assert count(moving_parameters(NETWORK, moves="all")) == everything == 3_373_570


def test_norm_only_holds_no_convolution():
    shapes = {name: p.ndim for name, p in NETWORK.named_parameters()}
    names = moving_parameters(NETWORK, moves="norm")
    assert {shapes[n] for n in names if not n.startswith("classifier")} == {1}
    assert not any(".0.weight" in n for n in names if n.endswith("0.weight"))


def test_every_parameter_has_a_depth_and_depths_follow_the_forward_pass():
    depths = [depth_of(name) for name, _ in NETWORK.named_parameters()]
    assert set(depths) == set(range(LAST_DEPTH + 1))
    assert depths == sorted(depths)
    with pytest.raises(ValueError, match="starts with none of"):
        depth_of("layer4.0.conv1.weight")


@given(
    rate=st.floats(1e-6, 1.0), factor=st.floats(0.1, 1.0), moves=st.sampled_from(["all", "norm"])
)
def test_rates_follow_the_formula_and_hold_each_parameter_once(rate, factor, moves):
    arm = Arm("graded", moves=moves, peak_rate=rate, depth_factor=factor)
    groups = rate_groups(NETWORK, arm)
    by_id = {id(p): name for name, p in NETWORK.named_parameters()}
    seen = [by_id[id(p)] for group in groups for p in group["params"]]
    assert len(seen) == len(set(seen))
    assert set(seen) == set(moving_parameters(NETWORK, moves=moves))
    for group in groups:
        (depth,) = {depth_of(by_id[id(p)]) for p in group["params"]}
        np.testing.assert_allclose(group["lr"], rate * factor ** (9 - depth))


def test_freezing_is_exact_and_can_be_undone():
    network = EfficientNetLite0(classes=2)
    freeze_all_but(network, ["classifier.bias"])
    assert [n for n, p in network.named_parameters() if p.requires_grad] == ["classifier.bias"]
    freeze_all_but(network, moving_parameters(network, moves="all"))
    assert all(p.requires_grad for p in network.parameters())
    with pytest.raises(ValueError, match=r"no parameter 'fc\.weight'"):
        freeze_all_but(network, ["fc.weight"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"moves": "tail"}, 'choose "head", "norm" or "all"'),
        ({"moves": "all", "peak_rate": 0.0}, "above 0"),
        ({"moves": "all", "depth_factor": 1.5}, "depth_factor=1.5"),
        ({"moves": "all", "depth_factor": 0.0}, "depth_factor=0.0"),
        ({"moves": "all", "statistics": "running"}, 'choose "source" or "batch"'),
        ({"moves": "all", "pretrained": False}, "from scratch everything moves"),
        ({"moves": "norm", "pretrained": False, "statistics": "batch"}, "everything moves"),
        ({"from_depth": 1, "pretrained": False, "statistics": "batch"}, "everything moves"),
        ({"unfreezing": THAW, "pretrained": False, "statistics": "batch"}, "everything moves"),
        ({"from_depth": 10}, "depths run from 0 to 9"),
        ({"weight_decay": -0.1}, "not negative"),
    ],
)
def test_an_arm_refuses_what_makes_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        Arm("x", **{"peak_rate": 1e-3, **options})


def test_one_rate_and_graded_rates_differ_in_the_rates_only():
    full = rate_groups(NETWORK, Arm("full", moves="all", peak_rate=1e-3))
    graded = rate_groups(NETWORK, Arm("graded", moves="all", peak_rate=1e-3, depth_factor=0.5))
    assert [[id(p) for p in g["params"]] for g in full] == [
        [id(p) for p in g["params"]] for g in graded
    ]
    assert torch.tensor([g["lr"] for g in full]).unique().tolist() == pytest.approx([1e-3])
    assert graded[-1]["lr"] == full[-1]["lr"]


def test_but_changes_the_name_and_what_is_said_and_nothing_else():
    arm = Arm("graded", depth_factor=0.5, weight_decay=0.0, unfreezing=THAW)
    other = arm.but("cut", from_depth=4)
    assert other == Arm("cut", depth_factor=0.5, weight_decay=0.0, unfreezing=THAW, from_depth=4)
    assert other.but("graded", from_depth=0) == arm


def test_groups_follow_the_step_of_a_schedule():
    arm = Arm("thawing", unfreezing=THAW)
    assert [len(rate_groups(NETWORK, arm, step=step)) for step in (1, 2, 10, 11)] == [1, 2, 10, 10]
