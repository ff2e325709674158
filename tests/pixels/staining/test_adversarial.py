"""A painter against its critic: losses and steps."""

import pytest
import torch
from torch import nn

from medlib.pixels.staining.adversarial import adam, descend, finite, least_squares_loss, set_rate


def test_each_side_is_pleased_by_its_own_answer_only():
    ones, zeros = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
    assert float(least_squares_loss(ones, real=True)) == 0.0
    assert float(least_squares_loss(zeros, real=False)) == 0.0
    assert float(least_squares_loss(ones, real=False)) == 1.0
    assert float(least_squares_loss(zeros, real=True)) == 1.0


def test_the_rate_stays_for_one_half_and_then_falls_to_almost_nothing():
    optimizer = adam([nn.Linear(1, 1)], rate=1.0)
    course = []
    for step in range(1, 101):
        set_rate(optimizer, 0.5, step=step, steps=100)
        course.append(optimizer.param_groups[0]["lr"])
    assert set(course[:51]) == {0.5}
    assert course[51:] == sorted(course[51:], reverse=True)
    assert 0 < course[-1] < 0.02


def test_a_step_goes_down_and_forgets_other_gradients():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    optimizer = adam([model], rate=0.1)
    (-100 * model.weight).sum().backward()  # another player's
    descend(optimizer, model.weight.sum())
    assert model.weight.item() < 1.0


def test_a_term_that_is_not_finite_is_named_with_its_step():
    assert finite({"cycle": torch.tensor(2.0)}, step=1) == {"cycle": 2.0}
    with pytest.raises(FloatingPointError, match="term cycle is nan at step 7"):
        finite({"critics": torch.tensor(0.0), "cycle": torch.tensor(float("nan"))}, step=7)
