"""A depthwise convolution is torch's own, forwards to the bit and backwards to rounding."""

import pytest
import torch
from torch.nn import functional as F

from medlib.nets.depthwise import depthwise

SHAPES = [
    # side, kernel, stride, padding
    (2, 5, 1, 2),
    (2, 3, 1, 1),
    (3, 5, 1, 2),
    (1, 5, 1, 2),
    (1, 3, 1, 1),
    (7, 5, 2, 0),
    (6, 5, 2, 2),
    (5, 5, 3, 2),
    (9, 3, 1, 1),  # maps no smaller than the kernel: torch's own gradient
]


@pytest.fixture(params=SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def shape(request):
    return request.param


@pytest.fixture(params=["contiguous", "channels last"])
def drawn(request, shape):
    side, kernel, stride, padding = shape
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(3, 4, side, side + 1, generator=generator, dtype=torch.float64)
    if request.param == "channels last":
        x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(4, 1, kernel, kernel, generator=generator, dtype=torch.float64)
    return x.requires_grad_(), weight.requires_grad_(), stride, padding


def gradients(out, *inputs):
    towards = torch.randn(out.shape, generator=torch.Generator().manual_seed(8), dtype=out.dtype)
    return torch.autograd.grad(out, inputs, towards)


def test_it_is_torchs_convolution_to_the_bit(drawn):
    x, weight, stride, padding = drawn
    own = depthwise(x, weight, stride=stride, padding=padding)
    assert torch.equal(own, F.conv2d(x, weight, None, stride, padding, groups=4))


def test_its_gradients_are_torchs(drawn):
    x, weight, stride, padding = drawn
    own = gradients(depthwise(x, weight, stride=stride, padding=padding), x, weight)
    torchs = gradients(F.conv2d(x, weight, None, stride, padding, groups=4), x, weight)
    for mine, theirs in zip(own, torchs, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_only_what_is_asked_for_has_a_gradient():
    x, weight = torch.ones(1, 2, 2, 2), torch.ones(2, 1, 5, 5, requires_grad=True)
    assert gradients(depthwise(x, weight, padding=2), weight)[0].shape == weight.shape
    x.requires_grad_()
    frozen = weight.detach()
    assert gradients(depthwise(x, frozen, padding=2), x)[0].shape == x.shape
