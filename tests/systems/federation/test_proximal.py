"""The gradient is mu times the distance, and pulls the parameters that are trained."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from medlib.systems.federation.proximal import proximal_term


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@settings(max_examples=10)
@given(st.floats(0, 100), st.integers(0, 9))
def test_value_and_gradient(mu, seed):
    net, received = network(seed), network(seed + 1).state_dict()
    term = proximal_term(net, received, mu=mu)
    term.backward()
    apart = {name: p.detach() - received[name] for name, p in net.named_parameters()}
    want = mu / 2 * sum(float(d.double().square().sum()) for d in apart.values())
    assert term.item() == pytest.approx(want, rel=1e-5, abs=1e-12)
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(parameter.grad, mu * apart[name])


def test_gradient_by_finite_differences():
    net = nn.Linear(2, 1, bias=False).double()
    received = {"weight": torch.tensor([[0.5, -1.0]], dtype=torch.float64)}

    def term(weight):
        held = nn.Linear(2, 1, bias=False)
        del held.weight
        held.weight = nn.Parameter(torch.empty(0))
        held._parameters["weight"] = weight
        return proximal_term(held, received, mu=0.7)

    assert torch.autograd.gradcheck(term, (net.weight,))


def test_no_pull_at_the_start_of_a_round():
    net = network()
    term = proximal_term(net, {k: v.clone() for k, v in net.state_dict().items()}, mu=5.0)
    term.backward()
    assert term.item() == 0
    assert all((p.grad == 0).all() for p in net.parameters())


def test_frozen_parameters_and_statistics_do_not_count():
    net = network()
    received = {k: v.clone() for k, v in net.state_dict().items()}
    net[1].running_mean += 3
    net[0].weight.requires_grad_(False).add_(1)
    assert proximal_term(net, received, mu=2.0).item() == 0


def test_wrong_arguments_are_refused():
    net = network()
    with pytest.raises(ValueError, match="mu is -1"):
        proximal_term(net, net.state_dict(), mu=-1)
    with pytest.raises(ValueError, match=r"'0\.weight' has shape \(4, 3\); .* missing"):
        proximal_term(net, {}, mu=1)
    with pytest.raises(ValueError, match=r"'0\.weight' has shape \(4, 3\); .* \(4, 1\)"):
        proximal_term(net, {"0.weight": torch.zeros(4, 1)}, mu=1)
