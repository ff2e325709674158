"""The layer is the identity forwards and a sign backwards; the schedule is the paper's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.radiogenomics.gradient_reversal import ganin_schedule, reverse_gradient


@given(st.floats(0, 10), st.integers(0, 99))
def test_forwards_nothing_backwards_the_sign(strength, seed):
    f = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed + 1)).double()
    f.requires_grad_()
    same = reverse_gradient(f, strength=strength)
    assert torch.equal(same, f)
    (same * weights).sum().backward()
    assert torch.allclose(f.grad, -strength * weights)


def test_the_reader_learns_and_the_encoder_unlearns():
    """One step of gradient descent lowers the reader's loss by its own weight, raises it by f."""
    f = torch.tensor([1.0], requires_grad=True)
    weight = torch.tensor([2.0], requires_grad=True)
    loss = (weight * reverse_gradient(f) - 1).square().sum()
    loss.backward()
    rate = 1e-3
    assert (((weight - rate * weight.grad) * f - 1) ** 2).item() < loss.item()
    assert ((weight * (f - rate * f.grad) - 1) ** 2).item() > loss.item()


def test_the_schedule_of_the_paper():
    assert ganin_schedule(0) == 0
    assert ganin_schedule(0.3, final=2) == pytest.approx(2 * math.tanh(1.5))
    values = [ganin_schedule(p / 20) for p in range(21)]
    assert values == sorted(values)
    assert 0.9998 < values[-1] < 1


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="strength is -1"):
        reverse_gradient(torch.zeros(2), strength=-1)
    with pytest.raises(ValueError, match=r"progress is 1\.2"):
        ganin_schedule(1.2)
    with pytest.raises(ValueError, match="final=-1"):
        ganin_schedule(0.5, final=-1)
