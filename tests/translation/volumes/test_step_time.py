"""A pass is timed whole, on the device of its input, and the network's mode is left alone."""

import pytest
import torch
from torch import nn

from medlib.translation.volumes.step_time import step_seconds


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.recurrent = nn.BatchNorm1d(3), nn.GRU(3, 2, batch_first=True)

    def forward(self, x):
        return self.recurrent(self.norm(x.transpose(1, 2)).transpose(1, 2))[0]


def test_every_parameter_has_a_gradient_and_statistics_stay():
    reader = Reader().eval()
    before = reader.norm.running_mean.clone()
    assert step_seconds(reader, torch.rand(4, 5, 3)) > 0
    assert all(p.grad is not None for p in reader.parameters())
    assert torch.equal(reader.norm.running_mean, before)
    assert not reader.norm.training
    assert reader.recurrent.training  # CUDA has no backward pass for it otherwise


def test_no_pass_is_no_time():
    with pytest.raises(ValueError, match="at least one pass"):
        step_seconds(Reader(), torch.rand(1, 2, 3), repeats=0)
