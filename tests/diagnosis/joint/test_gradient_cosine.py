"""The cosine between two tasks' gradients, and what has none."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.diagnosis.joint.gradient_cosine import pull_of


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(0, 10**6))
def test_scaling_a_loss_scales_its_gradient_and_leaves_the_cosine(a, b, seed):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(5, generator=generator, requires_grad=True)
    u, v = torch.randn(2, 5, generator=generator)
    once = pull_of(u @ w, v @ w, shared=[w])
    scaled = pull_of(a * (u @ w), b * (v @ w), shared=[w])
    assert scaled.cosine == pytest.approx(once.cosine, abs=1e-5)
    assert scaled.first_norm == pytest.approx(a * once.first_norm, rel=1e-4)
    expected = torch.nn.functional.cosine_similarity(u, v, dim=0)
    assert once.cosine == pytest.approx(float(expected), abs=1e-5)


def test_weights_that_one_loss_does_not_touch_count_as_zero():
    a, b = (torch.ones(2, requires_grad=True) for _ in range(2))
    pull = pull_of(a.sum(), a.sum() + b.sum(), shared=[a, b])
    assert pull.cosine == pytest.approx(1 / math.sqrt(2), abs=1e-6)


def test_a_loss_without_a_gradient_has_no_cosine_and_no_weights_are_refused():
    a = torch.ones(2, requires_grad=True)
    assert math.isnan(pull_of(a.sum(), (0 * a).sum(), shared=[a]).cosine)
    with pytest.raises(ValueError, match="no weights"):
        pull_of(a.sum(), a.sum(), shared=[])


def test_a_step_can_still_be_made():
    a = torch.ones(2, requires_grad=True)
    loss = (a**2).sum()
    pull_of(loss, a.sum(), shared=[a])
    loss.backward()
    assert a.grad.tolist() == [2.0, 2.0]
