"""New heads: a head of zeros sends nothing down, a random one does."""

import pytest
import torch
from torch.nn import functional as F

from medlib.nets.heads import random_head, zero_head
from medlib.translation.moving.finetuning import with_head


def gradients(source, head):
    network = with_head(source, head)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    F.cross_entropy(network(images), torch.tensor([0, 1, 0, 1])).backward()
    return {name: w.grad.abs().max().item() for name, w in network.named_parameters()}


def test_below_a_head_of_zeros_no_gradient_arrives(imagenet):
    found = gradients(imagenet, zero_head(classes=2))
    assert {name for name, g in found.items() if g > 0} == {"classifier.weight"}  # balanced labels


def test_a_random_head_pushes_every_depth(imagenet):
    head = random_head(classes=2, generator=torch.Generator().manual_seed(0))
    assert min(gradients(imagenet, head).values()) > 0


def test_a_random_head_follows_its_generator_and_no_other():
    first, again, other = (
        random_head(classes=3, generator=torch.Generator().manual_seed(s)).weight for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.abs().max() <= 1280**-0.5


def test_one_class_is_no_choice():
    with pytest.raises(ValueError, match="at least 2"):
        zero_head(classes=1)
    with pytest.raises(ValueError, match="at least 2"):
        random_head(classes=0, generator=torch.Generator())
