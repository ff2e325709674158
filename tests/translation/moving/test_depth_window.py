"""A window of depths: nothing outside it moves, and two gradings differ in their order alone."""

import pytest
import torch

from medlib.nets.depths import LAST_DEPTH, depth_of
from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.translation.moving.depth_window import DepthWindow
from medlib.translation.moving.finetuning import fine_tune
from medlib.translation.moving.layer_movement import movement_by_depth


@pytest.fixture(scope="module")
def source():
    return initialise(EfficientNetLite0(), generator=torch.Generator().manual_seed(0)).eval()


@pytest.mark.parametrize(("first", "last"), [(0, 3), (6, 8), (0, 8), (4, 4)])
def test_the_window_and_the_head_move_and_nothing_else(source, first, last):
    arm = DepthWindow("some", peak_rate=1e-2, from_depth=first, to_depth=last)
    images, labels = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])
    fit = fine_tune(
        arm, source, images, labels, head=torch.nn.Linear(1280, 2), steps=2, batch_size=4,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    moved = movement_by_depth(fit.network, fit.start) > 0
    assert [depth for depth, has in enumerate(moved) if has] == [
        *range(first, last + 1),
        LAST_DEPTH,
    ]


def test_gradings_have_the_same_rates_in_another_order_and_the_same_head():
    late = DepthWindow("late", peak_rate=0.01, depth_factor=0.6)
    early = late.but("early", early_first=True)
    body = range(LAST_DEPTH)
    rates = [[arm.rate_at(depth=depth) for depth in body] for arm in (late, early)]
    assert rates[0] == pytest.approx(rates[1][::-1])
    assert rates[0] == sorted(rates[0])
    assert late.rate_at(depth=LAST_DEPTH) == early.rate_at(depth=LAST_DEPTH) == 0.01


def test_names_are_those_of_the_window(source):
    arm = DepthWindow("early only", to_depth=1)
    assert {depth_of(name) for name in arm.moving_at(source, step=1)} == {0, 1, LAST_DEPTH}


@pytest.mark.parametrize("given", [{"from_depth": 6, "to_depth": 5}, {"to_depth": 9}])
def test_an_empty_window_is_refused(given):
    with pytest.raises(ValueError, match=f"to_depth={given['to_depth']}"):
        DepthWindow("none", **given)
