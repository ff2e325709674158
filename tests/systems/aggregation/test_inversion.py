"""One example comes out exactly, a batch as mixtures, and sometimes one of it in the clear."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from medlib.systems.aggregation.inversion import invert_linear, label_of


def network(seed, units=16):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, units), nn.ReLU(), nn.Linear(units, 3)
    ).double()


def gradients(net, images, labels):
    loss = F.cross_entropy(net(images), labels)
    return torch.autograd.grad(loss, list(net.parameters()))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 2))
def test_one_example_comes_out_of_every_unit_that_answered(seed, label):
    net = network(seed)
    image = torch.randn(1, 8, 8, dtype=torch.float64)
    weight, bias, *_ = gradients(net, image, torch.tensor([label]))
    found = invert_linear(weight, bias)
    assert torch.allclose(found.inputs, image.flatten(1).expand_as(found.inputs), atol=1e-7)
    assert len(found.units) == int((bias != 0).sum())


def test_of_a_batch_each_unit_gives_its_weighted_mean():
    net, images = network(3), torch.randn(8, 8, 8, dtype=torch.float64)
    labels = torch.arange(8) % 3
    weight, bias, *_ = gradients(net, images, labels)
    found = invert_linear(weight, bias)
    parts = torch.stack(
        [gradients(net, images[i : i + 1], labels[i : i + 1])[1] / 8 for i in range(8)]
    )
    for row, unit in zip(found.inputs, found.units, strict=True):
        by_hand = (parts[:, unit] / parts[:, unit].sum()) @ images.flatten(1)
        assert torch.allclose(row, by_hand, atol=1e-8)


def test_of_a_batch_one_image_leaks_where_a_unit_answered_to_it_alone():
    net, images = network(0, units=64), torch.randn(4, 8, 8, dtype=torch.float64)
    weight, bias, *_ = gradients(net, images, torch.tensor([0, 1, 2, 0]))
    active = net[1](images.flatten(1)) > 0
    found = invert_linear(weight, bias)
    alone = [u for u in found.units if active[:, u].sum() == 1]
    assert alone, "some unit of 64 answers to one of four"
    for unit in alone:
        row = found.inputs[found.units.index(unit)]
        assert torch.allclose(row, images.flatten(1)[active[:, unit]][0], atol=1e-8)


def test_weak_units_are_left_out_and_the_strongest_come_first():
    x = torch.tensor([1.0, 2.0])
    bias = torch.tensor([1e-9, -3.0, 1.0])
    found = invert_linear(bias[:, None] * x, bias)
    assert found.units == (1, 2)
    assert found.inputs.tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("label", range(3))
def test_the_label_is_read(label):
    net = network(label)
    *_, bias = gradients(net, torch.randn(1, 8, 8, dtype=torch.float64), torch.tensor([label]))
    assert label_of(bias) == label


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match=r"weight gradient \(3, 2\) and bias gradient \(2,\)"):
        invert_linear(torch.ones(3, 2), torch.ones(2))
    with pytest.raises(ValueError, match="zero throughout"):
        invert_linear(torch.ones(2, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        invert_linear(torch.ones(2, 2), torch.tensor([1.0, torch.nan]))
    with pytest.raises(ValueError, match="2 of 3 entries are negative"):
        label_of(torch.tensor([-0.5, -0.5, 1.0]))
