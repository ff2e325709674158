"""L2-SP: the penalty's gradient on the real network, and what descending it does."""

import pytest
import torch
from torch import nn

from medlib.nets.heads import with_head
from medlib.translation.moving.l2_sp import Pull, l2_sp_penalty, starting_point


@pytest.fixture
def network(imagenet):
    return with_head(imagenet, nn.Linear(1280, 2))


def noisy_start(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: w + 0.01 * torch.randn(w.shape, generator=generator)
        for name, w in starting_point(network, new=["classifier"]).items()
    }


@pytest.mark.parametrize("toward", ["start", "zero"])
def test_the_gradient_is_the_formula_s(network, toward):
    start = noisy_start(network)
    l2_sp_penalty(network, start, pull=Pull(alpha=0.3, beta=0.7, toward=toward)).backward()
    assert len(start) == len(list(network.parameters())) - 2
    for name, w in network.named_parameters():
        if name not in start:
            expected = 0.7 * w.detach()
        else:
            expected = 0.3 * (w.detach() - (start[name] if toward == "start" else 0))
        torch.testing.assert_close(w.grad, expected)


def test_the_value_is_the_sum_of_squares(network):
    start = noisy_start(network)
    by_hand = sum(
        ((w - start[n]).double() ** 2).sum() * 0.15
        if n in start
        else (w.double() ** 2).sum() * 0.35
        for n, w in network.named_parameters()
    )
    penalty = l2_sp_penalty(network, start, pull=Pull(alpha=0.3, beta=0.7))
    torch.testing.assert_close(penalty.double(), by_hand, rtol=1e-4, atol=0.0)


def test_at_the_start_only_the_new_head_is_pulled(network):
    start = starting_point(network, new=["classifier"])
    l2_sp_penalty(network, start, pull=Pull(alpha=5.0, beta=1.0)).backward()
    pulled = {name for name, w in network.named_parameters() if w.grad.abs().max() > 0}
    assert pulled == {"classifier.weight", "classifier.bias"}


def test_descending_it_shrinks_the_distance_by_the_same_factor_everywhere(network):
    start = noisy_start(network)
    before = {n: w.detach() - start[n] for n, w in network.named_parameters() if n in start}
    descent = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(3):
        descent.zero_grad()
        l2_sp_penalty(network, start, pull=Pull(alpha=2.0)).backward()
        descent.step()
    now = dict(network.named_parameters())
    for name, away in before.items():
        torch.testing.assert_close(
            now[name].detach() - start[name], 0.8**3 * away, rtol=1e-3, atol=1e-6
        )


def test_the_starting_point_is_a_copy(network):
    start = starting_point(network)
    with torch.no_grad():
        network.classifier.bias += 1
    assert not torch.equal(start["classifier.bias"], network.classifier.bias)


def test_errors_teach(network):
    with pytest.raises(ValueError, match="is not negative"):
        Pull(alpha=-1.0)
    with pytest.raises(ValueError, match='choose "start" or "zero"'):
        Pull(alpha=1.0, toward="home")
    with pytest.raises(ValueError, match="no module 'fc'"):
        starting_point(network, new=["fc"])
    with pytest.raises(ValueError, match=r"no parameter 'fc\.weight'"):
        l2_sp_penalty(network, {"fc.weight": torch.zeros(1)}, pull=Pull(alpha=1.0))
