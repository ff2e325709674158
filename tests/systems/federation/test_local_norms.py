"""Layers of normalisation are found by what they are, not by what they are called."""

import pytest
import torch
from torch import nn

from medlib.systems.federation.local_norms import norm_entries


class Misnamed(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.Linear(2, 2)
        self.mixer = nn.Sequential(nn.BatchNorm2d(2, affine=False), nn.ReLU())
        self.gate = nn.InstanceNorm2d(2, track_running_stats=True)


def test_by_type():
    assert norm_entries(Misnamed()) == {
        *(f"mixer.0.{e}" for e in ("running_mean", "running_var", "num_batches_tracked")),
        *(f"gate.{e}" for e in ("running_mean", "running_var", "num_batches_tracked")),
    }


@pytest.mark.parametrize(
    "layer", [nn.GroupNorm(1, 4), nn.LayerNorm(4), nn.BatchNorm1d(4), nn.SyncBatchNorm(4)]
)
def test_a_layer_by_itself_keeps_all_that_it_has(layer):
    assert norm_entries(layer) == set(layer.state_dict())


def test_every_name_is_an_entry_and_nothing_else_changes_when_a_network_normalises():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2)), nn.Conv2d(2, 1, 1))
    names = norm_entries(net)
    assert names < set(net.state_dict())
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net(torch.randn(4, 1, 8, 8))
    changed = {k for k, v in net.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert changed <= names


def test_a_layer_that_is_used_twice_is_named_twice():
    shared = nn.BatchNorm1d(2)
    net = nn.ModuleDict({"a": shared, "b": shared})
    assert norm_entries(net) == set(net.state_dict())


def test_a_network_without_normalisation_keeps_nothing():
    assert norm_entries(nn.Linear(2, 2)) == frozenset()
