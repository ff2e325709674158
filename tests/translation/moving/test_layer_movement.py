"""Movement by depth: scaling a depth by 1 + c moves it by c, and no other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.nets.depths import depth_of
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.heads import zero_head
from medlib.translation.moving.l2_sp import starting_point
from medlib.translation.moving.layer_movement import movement_by_depth

NETWORK = EfficientNetLite0(classes=2)
START = starting_point(NETWORK)


@given(depth=st.integers(0, 9), change=st.floats(0.01, 3.0))
def test_scaling_one_depth_moves_it_alone(depth, change):
    start = {n: w / (1 + change) if depth_of(n) == depth else w for n, w in START.items()}
    expected = np.zeros(10)
    expected[depth] = change
    np.testing.assert_allclose(movement_by_depth(NETWORK, start), expected, rtol=1e-4, atol=1e-7)


def test_it_is_the_norm_of_one_long_vector():
    generator = torch.Generator().manual_seed(0)
    start = {n: torch.randn(w.shape, generator=generator) for n, w in START.items()}
    now = torch.cat([START[n].flatten() for n in START if depth_of(n) == 3])
    then = torch.cat([start[n].flatten() for n in START if depth_of(n) == 3])
    expected = torch.linalg.norm(now - then) / torch.linalg.norm(then)
    assert movement_by_depth(NETWORK, start)[3] == pytest.approx(expected.item(), rel=1e-5)


def test_a_start_of_zeros_has_no_relative_movement():
    network = EfficientNetLite0(classes=2)
    network.classifier = zero_head(classes=2)
    found = movement_by_depth(network, starting_point(network))
    assert np.isnan(found[9])
    assert (found[:9] == 0).all()


def test_a_missing_start_is_named():
    with pytest.raises(ValueError, match=r"no starting value for 'classifier\.weight'"):
        movement_by_depth(NETWORK, starting_point(NETWORK, new=["classifier"]))
