"""Inflation: exact laws, the same numbers as PyTorch's own 3D layers, and the whole network."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from medlib.nets.efficientnet_lite import SameConv2d, initialise
from medlib.nets.trunk import Trunk
from medlib.translation.volumes.inflation import (
    RULES,
    InflatedConv,
    depth_divisor,
    inflate,
    inflate_conv,
)

CONVS = {
    "plain": dict(in_channels=3, out_channels=4, kernel_size=3, padding=1),
    "biased, no padding": dict(in_channels=2, out_channels=2, kernel_size=3),
    "grouped": dict(in_channels=4, out_channels=8, kernel_size=3, groups=2, padding=1),
    "depthwise, strided": dict(
        in_channels=4, out_channels=4, kernel_size=5, groups=4, stride=2, padding=2, bias=False
    ),
    "dilated": dict(in_channels=2, out_channels=3, kernel_size=3, dilation=2, padding=2),
    "mirrored border": dict(
        in_channels=2, out_channels=3, kernel_size=3, padding=1, padding_mode="reflect"
    ),
    "padding by name": dict(in_channels=2, out_channels=2, kernel_size=3, padding="same"),
}


def drawn(kind, seed=0):
    conv = SameConv2d(3, 4, 3, 2, padding=1) if kind == "TensorFlow's" else nn.Conv2d(**CONVS[kind])
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return conv


def volume(conv, slices=7, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, conv.in_channels, slices, 9, 10, generator=generator)


def slice_by_slice(conv, x):
    return torch.stack([conv(plane) for plane in x.unbind(2)], dim=2)


every_conv = pytest.mark.parametrize("kind", [*CONVS, "TensorFlow's"])


@every_conv
def test_mean_gives_the_2d_answer_to_what_does_not_change_along_depth(kind):
    conv = drawn(kind)
    x = volume(conv, slices=1).expand(-1, -1, 7, -1, -1)
    expected = slice_by_slice(conv, x)
    reach = conv.kernel_size[0] // 2
    padded = inflate_conv(conv, rule="mean")(x)
    torch.testing.assert_close(padded[:, :, reach:-reach], expected[:, :, reach:-reach])
    everywhere = inflate_conv(conv, rule="mean", depth_padding="replicate")(x)
    torch.testing.assert_close(everywhere, expected)
    if conv.bias is None:  # zeros outside take from the first slice what its neighbours would add
        assert not torch.allclose(padded[:, :, 0], expected[:, :, 0], rtol=1e-3)


@every_conv
@pytest.mark.parametrize("padding", ["zeros", "replicate"])
def test_centre_is_the_2d_layer_slice_by_slice(kind, padding):
    conv = drawn(kind)
    x = volume(conv)
    got = inflate_conv(conv, rule="centre", depth_padding=padding)(x)
    torch.testing.assert_close(got, slice_by_slice(conv, x))


# nn.Conv3d cannot pad planes and depth in two ways; the slice laws cover the others
@pytest.mark.parametrize("kind", [k for k, v in CONVS.items() if type(v.get("padding", 0)) is int
                                  and "padding_mode" not in v])  # fmt: skip
@pytest.mark.parametrize("depth_stride", [1, 2])
def test_the_answers_are_those_of_torchs_conv3d(kind, depth_stride):
    conv = drawn(kind)
    x = volume(conv)
    ours = inflate_conv(conv, rule="variance", depth_stride=depth_stride)
    with torch.no_grad():
        ours.weight.add_(torch.randn(ours.weight.shape, generator=torch.Generator().manual_seed(2)))
    depth = ours.kernel_size[0]
    expected = F.conv3d(
        x, ours.weight, ours.bias, ours.stride, (depth // 2, *conv.padding), ours.dilation,
        ours.groups,
    )  # fmt: skip
    torch.testing.assert_close(ours(x), expected, rtol=1e-4, atol=1e-4)


@every_conv
def test_copies_add_up_neighbouring_slices_of_the_2d_answer(kind):
    conv = drawn(kind)
    conv.bias = None
    x = volume(conv)
    flat = slice_by_slice(conv, x)
    depth, middle = conv.kernel_size[0], 3
    reach = depth // 2
    expected = flat[:, :, middle - reach : middle + reach + 1].sum(dim=2)
    for rule in ("mean", "variance"):
        got = inflate_conv(conv, rule=rule)(x)[:, :, middle]
        torch.testing.assert_close(
            got, expected / depth_divisor(rule, depth=depth), rtol=1e-4, atol=1e-4
        )


def test_depth_stride_keeps_every_other_slice_of_the_same_answer():
    conv = drawn("plain")
    x = volume(conv)
    for padding in ("zeros", "replicate"):
        whole = inflate_conv(conv, depth_padding=padding)(x)
        thinned = inflate_conv(conv, depth_padding=padding, depth_stride=2)(x)
        torch.testing.assert_close(thinned, whole[:, :, ::2])


def test_gradients_reach_every_copy_and_equal_torchs():
    conv = drawn("grouped")
    x, ours = volume(conv), inflate_conv(conv, rule="centre")
    theirs = nn.Conv3d(4, 8, 3, padding=1, groups=2)
    theirs.load_state_dict(ours.state_dict())
    for layer in (ours, theirs):
        layer(x).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-3, atol=1e-2)
    assert ours.weight.grad[:, :, 0].abs().max() > 0  # the empty copies learn at once
    assert [name for name, _ in ours.named_parameters()] == ["weight", "bias"]


@given(rho=st.floats(-0.2, 1), depth=st.sampled_from([1, 3, 5]))
def test_the_measured_rule_has_both_published_rules_as_limits(rho, depth):
    lags = [rho] * (depth - 1)
    s = depth_divisor("correlation", depth=depth, correlations=lags)
    assert s == pytest.approx((depth + depth * (depth - 1) * rho) ** 0.5)
    assert depth_divisor("mean", depth=depth) == depth
    assert depth_divisor("correlation", depth=depth, correlations=[1.0] * (depth - 1)) == depth
    assert depth_divisor("correlation", depth=depth, correlations=[0.0] * (depth - 1)) == (
        pytest.approx(depth_divisor("variance", depth=depth))
    )


class Small(nn.Module):
    """Everything that `inflate` knows, named as in a real network."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4))
        self.rest = nn.Sequential(
            nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 6, 1), nn.Dropout2d(0.5),
            nn.AvgPool2d(2), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.AdaptiveAvgPool2d(1),
        )  # fmt: skip

    def forward(self, x):
        return self.rest(self.stem(x))


@pytest.mark.parametrize("strided_depth", [False, True])
def test_a_whole_network_keeps_the_2d_answer_to_repeated_slices(strided_depth):
    net = initialise(Small(), generator=torch.Generator().manual_seed(0)).eval()
    net.stem[1].running_mean.fill_(0.1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plane = torch.randn(2, 1, 24, 24, generator=torch.Generator().manual_seed(1))
    inflated = inflate(net, strided_depth=strided_depth)
    repeated = plane[:, :, None].repeat(1, 1, 12, 1, 1)
    got = inflated(repeated)
    torch.testing.assert_close(got, net(plane)[:, :, None].expand_as(got), rtol=1e-4, atol=1e-5)
    assert not inflated.training
    assert isinstance(inflated.stem[0], InflatedConv)
    assert isinstance(inflated.rest[3], nn.Dropout3d)
    assert inflated.rest[2].weight.shape == (6, 4, 1, 1, 1)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    deep = inflate(net, depth=5, strided_depth=strided_depth)
    assert deep.stem[0].weight.shape[2] == 5
    assert deep.rest[2].weight.shape[2] == 1


@pytest.fixture(scope="module")
def trunk(imagenet):
    return Trunk(imagenet, grey=True)


def test_the_whole_imagenet_network_obeys_both_laws(trunk):
    plane = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        flat = trunk(plane)
        repeated = plane[:, :, None].repeat(1, 1, 3, 1, 1)
        torch.testing.assert_close(inflate(trunk)(repeated), flat, rtol=1e-3, atol=1e-4)
        volume = torch.rand(1, 1, 5, 48, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
        centre = inflate(trunk, rule="centre").depths(volume)
        for name, maps in trunk.depths(volume[0].transpose(0, 1)).items():
            torch.testing.assert_close(centre[name][0].transpose(0, 1), maps, rtol=1e-3, atol=1e-4)


def test_every_kernel_of_the_imagenet_network_grows_and_nothing_else(trunk):
    inflated = inflate(trunk)
    sizes = {name: p.numel() for name, p in trunk.named_parameters()}
    for name, parameter in inflated.named_parameters():
        times = parameter.shape[-1] if parameter.ndim == 5 else 1
        assert parameter.numel() == times * sizes[name], name
    grown = [m for m in inflated.modules() if isinstance(m, InflatedConv) and m.kernel_size[0] > 1]
    assert len(grown) == 17  # the stem and sixteen depthwise layers
    assert not any(type(m).__name__.endswith("2d") for m in inflated.modules())


@settings(max_examples=5, deadline=None)
@given(scale=st.floats(0.2, 5))
def test_fresh_statistics_undo_any_divisor(scale):
    """Normalised by its own statistics, a layer forgets s: mean and variance rules are one."""
    conv = drawn("depthwise, strided")
    x = volume(conv)
    norm = nn.BatchNorm3d(4, eps=1e-9)
    layer = inflate_conv(conv, rule="mean")
    first = norm(layer(x))
    with torch.no_grad():
        layer.weight.mul_(scale)
    torch.testing.assert_close(norm(layer(x)), first, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_inflated_is_named():
    conv = nn.Conv2d(1, 1, 3)
    with pytest.raises(ValueError, match="choose one of mean, variance, centre, correlation"):
        inflate_conv(conv, rule="median")
    with pytest.raises(ValueError, match="no middle"):
        inflate_conv(conv, depth=2)
    with pytest.raises(ValueError, match="choose zeros or replicate"):
        inflate_conv(conv, depth_padding="reflect")
    with pytest.raises(ValueError, match="needs 2 correlations, one a lag; given: none"):
        inflate_conv(conv, rule="correlation")
    with pytest.raises(ValueError, match="given: 1"):
        depth_divisor("correlation", depth=3, correlations=[0.5])
    with pytest.raises(ValueError, match="cancel"):
        depth_divisor("correlation", depth=3, correlations=[-1.0, 0.0])
    with pytest.raises(ValueError, match="at least 1 slice"):
        depth_divisor("mean", depth=0)
    with pytest.raises(ValueError, match="layer '0' is a ConvTranspose2d"):
        inflate(nn.Sequential(nn.ConvTranspose2d(1, 1, 3)))
    with pytest.raises(ValueError, match="layer '1' is a InstanceNorm2d"):
        inflate(nn.Sequential(conv, nn.InstanceNorm2d(1)))
    assert set(RULES) == {"mean", "variance", "centre", "correlation"}
