"""Normalisation statistics: the data's own, and nothing else changes."""

import numpy as np
import pytest
import torch
from torch import nn

from medlib.nets.norm_statistics import refresh_statistics


def test_one_batch_gives_numpys_mean_and_variance():
    images = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 5 + 2
    layer = refresh_statistics(nn.Sequential(nn.BatchNorm2d(3)), images)[0]
    flat = images.numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(layer.running_mean, flat.mean(1), rtol=1e-5)
    np.testing.assert_allclose(layer.running_var, flat.var(1, ddof=1), rtol=1e-5)


def test_the_old_statistics_leave_no_trace_and_no_parameter_moves(imagenet):
    from medlib.nets.heads import with_head

    first = with_head(imagenet, imagenet.classifier)
    second = with_head(imagenet, imagenet.classifier)
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for module in second.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(9.0)
            module.running_var.fill_(100.0)
    before = {name: p.clone() for name, p in first.named_parameters()}
    a, b = refresh_statistics(first, images), refresh_statistics(second, images)
    for name, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[name]), name
    assert all(torch.equal(before[name], p) for name, p in first.named_parameters())
    assert all(m.momentum == 0.01 for m in first.modules() if isinstance(m, nn.BatchNorm2d))
    assert not first.training
    assert not torch.equal(first.stem[1].running_mean, imagenet.stem[1].running_mean)


def test_images_are_cut_into_batches_of_nearly_equal_size():
    sizes = []

    class Spy(nn.Module):
        def forward(self, x):
            sizes.append(len(x))
            return x

    refresh_statistics(nn.Sequential(Spy(), nn.BatchNorm2d(1)), torch.randn(65, 1, 2, 2))
    assert sizes == [33, 32]  # never a batch of one
    with pytest.raises(ValueError, match="at least 2"):
        refresh_statistics(nn.BatchNorm2d(1), torch.zeros(1, 1, 2, 2))
