"""The weight makes two gradients equally long, and takes its time."""

import math

import pytest
import torch

from medlib.diagnosis.joint.gradient_balance import GradientBalance
from medlib.diagnosis.joint.gradient_cosine import Pull, pull_of


def test_weighted_gradients_come_to_the_share_asked_for():
    w = torch.randn(6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    first, second = (w**2).sum(), 1e-3 * w.sum()
    balance = GradientBalance(share=0.5)
    for _ in range(200):
        balance.update(pull_of(first, second, shared=[w]))
    after = pull_of(first, balance.weight * second, shared=[w])
    assert after.second_norm == pytest.approx(0.5 * after.first_norm, rel=1e-4)


def test_memory_moves_the_logarithm_part_of_the_way():
    balance = GradientBalance(memory=0.9, first_weight=1.0)
    assert balance.update(Pull(1.0, 0.01, 0.0)) == pytest.approx(math.exp(0.1 * math.log(100)))


def test_a_gradient_without_length_changes_nothing_and_bad_numbers_are_refused():
    balance = GradientBalance(first_weight=3.0)
    assert balance.update(Pull(0.0, 1.0, float("nan"))) == 3.0
    for bad in ({"share": 0}, {"memory": 1.0}, {"first_weight": -1}):
        with pytest.raises(ValueError, match="out of range"):
            GradientBalance(**bad)
