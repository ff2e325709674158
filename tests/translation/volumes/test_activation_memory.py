"""Bytes kept for the backward pass, against what a hand count gives."""

import torch
from torch import nn

from medlib.translation.volumes.activation_memory import activation_bytes, parameter_count


def test_bytes_are_counted_once_and_grow_with_the_batch():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.Sigmoid(), nn.Sigmoid())
    images = torch.zeros(2, 1, 8, 8)
    # kept: the input of the convolution, and each sigmoid's answer
    assert activation_bytes(net, images) == 4 * 2 * 64 * (1 + 4 + 4)
    assert activation_bytes(net, torch.zeros(6, 1, 8, 8)) == 3 * activation_bytes(net, images)
    shared = nn.Sequential(nn.Sigmoid(), nn.Identity(), nn.Conv2d(1, 1, 1, bias=False))
    # the sigmoid's answer is the convolution's input: one stretch of memory
    assert activation_bytes(shared, images) == 4 * 2 * 64


def test_a_gradient_switched_off_around_it_changes_nothing():
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    with torch.no_grad():
        assert activation_bytes(net, torch.zeros(2, 4)) == 64
    assert parameter_count(net) == 20
