"""Measured divisors: each layer keeps the mean and the variance that it had in 2D."""

import pytest
import torch
from torch import nn

from medlib.nets.efficientnet_lite import initialise
from medlib.translation.volumes.inflation import inflate
from medlib.translation.volumes.measured_inflation import inflate_measured, measure_depth
from medlib.translation.volumes.slice_correlation import depth_sum_ratio, variance_ratio


def related_slices(rho, *, slices=60, size=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    fresh = torch.randn(slices, 1, size, size, generator=generator)
    for z in range(1, slices):
        fresh[z] = rho * fresh[z - 1] + (1 - rho**2) ** 0.5 * fresh[z]
    return fresh + 2


def convolutions(bias):
    layers = [nn.Conv2d(1, 4, 3, bias=bias), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, bias=bias)]
    net = initialise(nn.Sequential(*layers), generator=torch.Generator().manual_seed(1))
    for parameter in net.parameters():
        if parameter.ndim == 1:
            parameter.data.fill_(0.7)
    return net.eval()


def moments(maps):
    return maps.mean(dim=(1, 2, 3)), maps.var(dim=(1, 2, 3))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_means_and_variances_stay_those_of_the_2d_network(rho, bias):
    slices, net = related_slices(rho), convolutions(bias)
    volume = slices.transpose(0, 1)[None]
    with torch.no_grad():
        flat = moments(net(slices).transpose(0, 1))
        kept = moments(inflate_measured(net, volume)(volume)[0])
        blurred = moments(inflate(net, rule="mean")(volume)[0])
    torch.testing.assert_close(kept[0], flat[0], rtol=0.02, atol=0.02)
    torch.testing.assert_close(kept[1], flat[1], rtol=0.12, atol=0.0)
    assert (blurred[1] < 0.97 * flat[1]).all()


def test_without_the_offset_the_means_grow():
    slices, net = related_slices(0.3), nn.Sequential(nn.Conv2d(1, 2, 3, bias=False)).eval()
    nn.init.constant_(net[0].weight, 0.1)
    volume = slices.transpose(0, 1)[None]
    with torch.no_grad():
        inflated = inflate_measured(net, volume, keep_mean=False)
        grown = inflated(volume).mean() / net(slices).mean()
    s = measure_depth(net, slices)[0].divisor
    assert float(grown) == pytest.approx(3 / s, rel=1e-3)
    assert inflated[0].bias is None


def test_a_batch_is_one_population_and_the_source_stays():
    slices, net = related_slices(0.5, slices=40), convolutions(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    pair = torch.stack([slices.transpose(0, 1)] * 2)
    once = inflate_measured(net, pair[:1])
    twice = inflate_measured(net, pair)
    for (name, a), b in zip(once.named_parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4, msg=name)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_measured_layers_are_those_that_look_around_in_order():
    slices, net = related_slices(0.8), convolutions(False)
    found = measure_depth(net, slices)
    assert [layer.name for layer in found] == ["0", "2"]
    with torch.no_grad():
        maps = net[0](slices).transpose(0, 1)
    assert found[0].measured == pytest.approx(depth_sum_ratio(maps, depth=3))
    assert found[0].predicted == variance_ratio(found[0].correlations)
    assert found[0].divisor ** 2 == pytest.approx(found[0].measured, rel=0.02)
    assert not net[0]._forward_hooks
    with pytest.raises(ValueError, match="need at least 3 slices"):
        inflate_measured(net, slices[:2].transpose(0, 1)[None])
