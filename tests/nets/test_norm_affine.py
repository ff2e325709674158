"""Scales and shifts: the same names as the arm that moves them, and their share by counting."""

import pytest
from torch import nn

from medlib.nets.norm_affine import norm_affine_parameters, parameter_share
from medlib.translation.moving.arms import moving_parameters


def test_on_the_real_network_they_are_the_norm_arm_without_its_head(imagenet):
    names = norm_affine_parameters(imagenet)
    arm = moving_parameters(imagenet, moves="norm")
    assert set(names) == set(arm) - {"classifier.weight", "classifier.bias"}
    assert parameter_share(imagenet, names) == 2 * 21_008 / 4_652_008


def test_other_normalisations_count_and_one_without_scale_does_not():
    net = nn.Sequential(nn.BatchNorm1d(3), nn.BatchNorm2d(4, affine=False), nn.BatchNorm3d(5))
    assert norm_affine_parameters(net) == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert norm_affine_parameters(nn.BatchNorm2d(2)) == ("weight", "bias")


def test_shares_add_up(imagenet):
    names = [name for name, _ in imagenet.named_parameters()]
    assert parameter_share(imagenet, names) == 1.0
    parts = parameter_share(imagenet, names[::2]) + parameter_share(imagenet, names[1::2])
    assert parts == pytest.approx(1.0)
    assert parameter_share(imagenet, []) == 0.0


def test_errors_teach():
    with pytest.raises(ValueError, match="no parameter 'gain'"):
        parameter_share(nn.Linear(2, 1), ["gain"])
    with pytest.raises(ValueError, match="named twice"):
        parameter_share(nn.Linear(2, 1), ["bias", "bias"])
