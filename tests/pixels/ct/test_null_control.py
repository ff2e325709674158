import pytest
import torch

from medlib.pixels.ct.null_control import null_auc
from medlib.pixels.ct.observer import laguerre_gauss

CHANNELS = laguerre_gauss(size=9, n_channels=6, width_px=4.0)


def scans(seed, n=400):
    return torch.randn(2, n, 9, 9, generator=torch.Generator().manual_seed(seed))


def test_honest_observers_stay_inside_and_their_mean_is_a_half():
    found = [null_auc(*scans(seed), channels=CHANNELS) for seed in range(30)]
    assert all(each.room > 0 for each in found)
    assert abs(sum(each.value for each in found) / 30 - 0.5) < 0.02


def test_every_leaking_observer_is_heard():
    found = [null_auc(*scans(s), channels=CHANNELS, on_own_scans=True) for s in range(30)]
    assert all(each.room < 0 for each in found)


def test_a_set_that_differs_is_heard():
    called_present, called_absent = scans(0)
    assert null_auc(called_present + 0.3, called_absent, channels=CHANNELS).room < 0


def test_groups_need_scans_enough():
    with pytest.raises(ValueError, match="use fewer groups"):
        null_auc(*scans(0, n=80), channels=CHANNELS)
    with pytest.raises(ValueError, match="as long"):
        null_auc(scans(0)[0], scans(0)[1][:10], channels=CHANNELS)
