"""Patients come out of a sum where they are alone between two edges, and mixtures elsewhere."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from medlib.systems.aggregation.imprint import imprint_, read_imprint


def gradients(images, edges):
    first, second = nn.Linear(images.shape[1], len(edges)).double(), nn.Linear(len(edges), 2)
    imprint_(first, second.double(), edges=edges)
    labels = torch.arange(len(images)) % 2
    loss = F.cross_entropy(second(first(images).relu()), labels, reduction="sum")
    return torch.autograd.grad(loss, [first.weight, first.bias])


def people(n=12, seed=0):
    images = torch.rand(n, 30, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return images[images.mean(dim=1).argsort()]


def test_all_come_out_where_each_has_an_edge_of_its_own():
    images = people()
    edges = (images.mean(dim=1) - 1e-6).tolist()
    found = read_imprint(*gradients(images, edges))
    assert torch.allclose(found, images, atol=1e-9)


def test_two_between_the_same_edges_come_out_mixed():
    images = people()
    edges = (images.mean(dim=1) - 1e-6).tolist()
    found = read_imprint(*gradients(images, edges[:3] + edges[4:]))
    apart = torch.cdist(images, found).min(dim=1).values
    assert (apart > 1e-3).nonzero().flatten().tolist() == [2, 3]


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="must ascend"):
        imprint_(nn.Linear(4, 2), nn.Linear(2, 2), edges=[0.5, 0.5])
    with pytest.raises(ValueError, match="one each"):
        imprint_(nn.Linear(4, 2), nn.Linear(3, 2), edges=[0.1, 0.5])
    with pytest.raises(ValueError, match="one row for each unit"):
        read_imprint(torch.ones(3, 2), torch.ones(2))
    with pytest.raises(ValueError, match="no unit"):
        read_imprint(torch.ones(3, 2), torch.zeros(3))
