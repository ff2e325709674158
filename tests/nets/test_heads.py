"""New heads: a head of zeros sends nothing down, any other does."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from medlib.nets.efficientnet_lite import FEATURES, initialise
from medlib.nets.heads import with_head, zero_head


def gradients(source, head):
    network = with_head(source, head)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    F.cross_entropy(network(images), torch.tensor([0, 1, 0, 1])).backward()
    return {name: w.grad.abs().max().item() for name, w in network.named_parameters()}


def test_below_a_head_of_zeros_no_gradient_arrives(imagenet):
    found = gradients(imagenet, zero_head(classes=2))
    assert {name for name, g in found.items() if g > 0} == {"classifier.weight"}  # balanced labels


def test_any_other_head_pushes_every_depth(imagenet):
    head = initialise(nn.Linear(FEATURES, 2), generator=torch.Generator().manual_seed(0))
    assert min(gradients(imagenet, head).values()) > 0


def test_one_class_is_no_choice():
    with pytest.raises(ValueError, match="at least 2"):
        zero_head(classes=1)
