"""The error that allows for misregistration."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.staining.forgiving import forgiving_error


def images(seed: int, n: int = 3, side: int = 14) -> torch.Tensor:
    return torch.rand(n, 2, side, side, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 2**16), st.integers(-2, 2), st.integers(-2, 2))
def test_a_whole_shift_within_reach_costs_nothing(seed, down, right):
    y = images(seed)
    assert float(forgiving_error(y, y.roll((down, right), (2, 3)), reach_px=2)) == 0.0


@given(st.integers(0, 2**16))
def test_more_reach_never_costs_more_over_the_same_inside(seed):
    made, answer = images(seed), images(seed + 1)
    inside = (made - answer)[..., 3:-3, 3:-3].abs().mean()
    assert float(forgiving_error(made, answer, reach_px=3)) <= float(inside) + 1e-6


def test_without_reach_it_is_the_plain_error():
    made, answer = images(0), images(1)
    plain = (made - answer).abs().mean()
    torch.testing.assert_close(forgiving_error(made, answer, reach_px=0), plain)


def test_each_pair_has_a_shift_of_its_own():
    y = images(2, n=2)
    answer = torch.stack([y[0].roll(1, 1), y[1].roll(-2, 2)])
    assert float(forgiving_error(y, answer, reach_px=2)) == 0.0


def test_a_shift_beyond_reach_costs():
    y = images(3)
    assert float(forgiving_error(y, y.roll(3, 2), reach_px=2)) > 0.1


def test_the_gradient_is_that_of_the_best_shift():
    made = images(4).requires_grad_()
    forgiving_error(made, made.detach().roll(1, 2) + 0.01, reach_px=1).backward()
    inside = made.grad[..., 1:-1, 1:-1]
    assert bool((inside < 0).all())
    assert bool(made.grad[..., 0, :].eq(0).all())
    assert bool(made.grad[..., :, -1].eq(0).all())


@pytest.mark.parametrize(("side", "reach"), [(14, -1), (6, 3)])
def test_what_cannot_be_compared_is_refused(side, reach):
    with pytest.raises(ValueError, match="leaves pixels inside"):
        forgiving_error(images(0, side=side), images(1, side=side), reach_px=reach)
