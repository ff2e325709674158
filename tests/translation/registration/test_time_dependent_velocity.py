"""Velocities that change: one interval is the stationary model, and the way back is reversed."""

import pytest
import torch

from medlib.translation.registration.composition import compose
from medlib.translation.registration.stationary_velocity import exponential, flow
from medlib.translation.registration.time_dependent_velocity import (
    chained_exponentials,
    flow_in_time,
    reversed_in_time,
)
from tests.translation.registration.fields import faded, linear_field, smooth_field


def changing(*grid, times=3, size=4.0):
    return torch.stack(
        [faded(smooth_field(*grid, size=size, seed=t), voxels=5) for t in range(times)]
    )


@pytest.mark.parametrize("grid", [(18, 20), (10, 11, 12)])
def test_one_interval_is_the_stationary_model(grid):
    v = faded(smooth_field(*grid, batch=2, size=2.0), voxels=4)
    one = chained_exponentials(v[None], squarings=4)
    assert torch.equal(one, exponential(v, squarings=4))
    torch.testing.assert_close(flow_in_time(v[None], steps=5), flow(v, steps=5))


def test_equal_intervals_are_the_stationary_model():
    v = faded(smooth_field(30, 30, size=2.0), voxels=6)
    four = flow_in_time(v.expand(4, *v.shape), steps=4)
    torch.testing.assert_close(four, flow(v, steps=16))


def test_of_linear_velocities_it_is_the_product_the_first_interval_rightmost():
    a = torch.tensor([[0.0, 0.4], [0.0, 0.0]]).double()
    b = torch.tensor([[0.0, 0.0], [0.6, 0.0]]).double()
    product = torch.linalg.matrix_exp(b / 2) @ torch.linalg.matrix_exp(a / 2)
    truth = linear_field(product - torch.eye(2), 31, 31)[..., 10:21, 10:21]
    velocities = torch.stack([linear_field(m, 31, 31) for m in (a, b)])
    for ours in (chained_exponentials(velocities, squarings=10), flow_in_time(velocities, steps=8)):
        torch.testing.assert_close(ours[..., 10:21, 10:21], truth, rtol=0, atol=1e-3)


def test_the_way_back_is_reversed_and_not_only_negative():
    velocities = changing(36, 36)
    there = flow_in_time(velocities, steps=6)

    def missed(back):
        return float(compose(flow_in_time(back, steps=6), first=there).square().mean().sqrt())

    right, unreversed = missed(reversed_in_time(velocities)), missed(-velocities)
    assert right < 0.03
    assert unreversed > 3 * right


def test_both_ways_to_follow_agree():
    velocities = changing(36, 36)
    apart = chained_exponentials(velocities, squarings=7) - flow_in_time(velocities, steps=8)
    assert float(apart.square().mean().sqrt()) < 0.02


def test_no_time_is_refused():
    with pytest.raises(ValueError, match="one field or more"):
        chained_exponentials(torch.zeros(0, 1, 2, 4, 4))
    with pytest.raises(ValueError, match="1 or more in each"):
        flow_in_time(torch.zeros(1, 1, 2, 4, 4), steps=0)
