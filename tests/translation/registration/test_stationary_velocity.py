"""exp(v): closed forms, orders of convergence, MONAI's integrator."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.composition import compose
from medlib.translation.registration.displacement import inside
from medlib.translation.registration.stationary_velocity import exponential, flow, stepped
from tests.translation.registration.fields import faded, linear_field, smooth_field

EYE = torch.eye(2).double()


def middle(field, voxels):
    return field[(..., *[slice(voxels, -voxels)] * (field.ndim - 2))]


def rotation(angle):
    return torch.tensor([[0.0, -angle], [angle, 0.0]]).double()


@pytest.mark.parametrize("way", ["squaring", "euler", "rk4"])
def test_a_velocity_that_turns_is_a_rotation(way):
    """v = Ω (x - c) turns by |Ω|: closed form, away from what leaves the grid."""
    angle, grid = 0.6, (41, 41)
    v = linear_field(rotation(angle), *grid)
    c, s = np.cos(angle), np.sin(angle)
    truth = middle(linear_field([[c - 1, -s], [s, c - 1]], *grid), 10)
    ours = {
        "squaring": lambda: exponential(v, squarings=12),
        "euler": lambda: flow(v, steps=50, rule="euler"),
        "rk4": lambda: flow(v, steps=8),
    }[way]()
    apart = float((middle(ours, 10) - truth).abs().max())
    assert apart < {"squaring": 1e-3, "euler": 6e-2, "rk4": 1e-5}[way]


def test_of_a_linear_velocity_it_is_exactly_the_power():
    """Linear interpolation of a linear field is exact: (I + A/2^K)^(2^K)."""
    a = torch.tensor([[0.2, -0.3], [0.1, -0.25]]).double()
    for k in (0, 1, 4):
        power = torch.linalg.matrix_power(EYE + a / 2**k, 2**k)
        truth = linear_field(power - EYE, 31, 31)
        ours = exponential(linear_field(a, 31, 31), squarings=k)
        torch.testing.assert_close(middle(ours, 8), middle(truth, 8), rtol=0, atol=1e-10)


def test_the_orders_are_one_one_and_four():
    v = linear_field(rotation(0.8), 41, 41)
    truth = linear_field(torch.linalg.matrix_exp(rotation(0.8)) - EYE, 41, 41)

    def order(*fields):
        coarse, fine = (float(middle(f - truth, 12).abs().max()) for f in fields)
        return np.log2(coarse / fine)

    assert order(*(exponential(v, squarings=k) for k in (5, 6))) == pytest.approx(1, abs=0.05)
    by_euler = (flow(v, steps=n, rule="euler") for n in (16, 32))
    assert order(*by_euler) == pytest.approx(1, abs=0.05)
    assert order(*(flow(v, steps=n) for n in (2, 4))) == pytest.approx(4, abs=0.2)


@settings(max_examples=3)
@given(st.integers(0, 10**6), st.sampled_from([(32, 30), (16, 15, 17)]))
def test_v_and_then_minus_v_lead_back_the_better_the_more_steps(seed, grid):
    v = faded(smooth_field(*grid, size=2.0, seed=seed), voxels=4)

    def missed(steps, rule):
        ways = [flow(s * v, steps=steps, rule=rule) for s in (1, -1)]
        return float(compose(ways[1], first=ways[0]).square().mean().sqrt())

    by_euler = [missed(n, "euler") for n in (1, 2, 4, 8)]
    assert all(fine < coarse for coarse, fine in pairwise(by_euler))
    ways = [exponential(s * v, squarings=8) for s in (1, -1)]
    limit = float(compose(ways[1], first=ways[0]).square().mean().sqrt())
    assert limit < by_euler[1]
    assert limit < 0.06  # what reading between voxels leaves


def test_both_ways_go_to_the_same_place():
    v = faded(smooth_field(48, 48, size=3.0, coarse=5), voxels=6)
    reference = flow(v, steps=32)
    apart = [
        float((exponential(v, squarings=k) - reference).square().mean().sqrt()) for k in (1, 3, 5)
    ]
    assert apart[0] > 2 * apart[1] > 4 * apart[2]


@pytest.mark.parametrize("grid", [(20, 24), (10, 12, 11)])
def test_it_is_monais_integrator_with_channels_in_the_order_of_the_axes(grid):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.networks.blocks import DVF2DDF

        theirs = DVF2DDF(num_steps=6, padding_mode="border")
    v = smooth_field(*grid, batch=2, size=3.0, dtype=torch.float32)
    torch.testing.assert_close(exponential(v, squarings=6), theirs(v), rtol=0, atol=2e-4)
    swapped = exponential(v.flip(1), squarings=6).flip(1)
    assert float((swapped - theirs(v)).abs().max()) > 0.1


def test_the_discrete_exponential_can_leave_the_grid_but_the_centre_is_known():
    v = linear_field(torch.eye(2), 21, 21)  # grows by e
    ours = flow(v, steps=32)
    known = inside(ours)
    truth = linear_field((np.e - 1) * torch.eye(2), 21, 21)
    assert 0 < int(known.sum()) < known.numel()
    kept = known[:, None].expand_as(ours)
    torch.testing.assert_close(ours[kept], truth[kept], rtol=0, atol=1e-4)


def test_gradients_reach_the_velocity():
    v = smooth_field(3, 4, coarse=3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: exponential(v + 0.013, squarings=2), (v,), fast_mode=True
    )


def test_what_cannot_be_followed_is_refused():
    v = smooth_field(6, 6)
    with pytest.raises(ValueError, match="squarings=-1"):
        exponential(v, squarings=-1)
    with pytest.raises(ValueError, match="steps=0"):
        flow(v, steps=0)
    with pytest.raises(ValueError, match="one of euler, rk4"):
        flow(v, steps=1, rule="heun")
    with pytest.raises(ValueError, match="one of euler, rk4"):
        stepped(v, velocity=v, time=0.1, rule="")
    with pytest.raises(ValueError, match="velocity is"):
        exponential(torch.zeros(1, 3, 6, 6))
