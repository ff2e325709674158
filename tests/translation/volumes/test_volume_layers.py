"""Layers for volumes: each does to every slice what the plane's layer did."""

import pytest
import torch
from torch import nn

from medlib.translation.volumes.volume_layers import in_three_dimensions

LAYERS = {
    "max": nn.MaxPool2d(3, 2, 1),
    "max, last column kept": nn.MaxPool2d(2, ceil_mode=True),
    "average": nn.AvgPool2d((2, 3)),
    "normalisation": nn.BatchNorm2d(4, eps=1e-3, momentum=0.3),
    "normalisation without numbers": nn.BatchNorm2d(4, affine=False),
}


def volume(slices=5):
    return torch.randn(2, 4, slices, 9, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", LAYERS)
def test_within_slices_nothing_changes(kind):
    layer = LAYERS[kind].eval()
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean.copy_(torch.arange(4.0))
        layer.running_var.copy_(1 + torch.arange(4.0))
    expected = torch.stack([layer(plane) for plane in volume().unbind(2)], dim=2)
    torch.testing.assert_close(in_three_dimensions(layer).eval()(volume()), expected)


def test_a_normalisation_keeps_every_number():
    norm = in_three_dimensions(LAYERS["normalisation"])
    assert isinstance(norm, nn.BatchNorm3d)
    assert (norm.eps, norm.momentum) == (1e-3, 0.3)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)])
def test_windows_reach_along_depth_when_asked(layer):
    repeated = volume(1).expand(-1, -1, 6, -1, -1)
    flat = layer(repeated[:, :, 0])
    deep = in_three_dimensions(layer, strided_depth=True)(repeated)
    assert deep.shape[2] == 3
    if isinstance(layer, nn.AvgPool2d):
        torch.testing.assert_close(deep[:, :, 0], flat)
    else:
        torch.testing.assert_close(deep[:, :, 1], flat)


def test_pooling_to_a_size_takes_all_slices_together():
    x = volume()
    mean = in_three_dimensions(nn.AdaptiveAvgPool2d(1))(x)
    torch.testing.assert_close(mean.flatten(1), x.mean(dim=(2, 3, 4)))
    highest = in_three_dimensions(nn.AdaptiveMaxPool2d(1))(x)
    torch.testing.assert_close(highest.flatten(1), x.amax(dim=(2, 3, 4)))


def test_what_has_no_axes_stays_and_what_is_unknown_is_named():
    relu = nn.ReLU()
    assert in_three_dimensions(relu) is relu
    assert isinstance(in_three_dimensions(nn.Dropout2d(0.3)), nn.Dropout3d)
    with pytest.raises(ValueError, match="layer 'up' is a ConvTranspose2d, which has no 3D form"):
        in_three_dimensions(nn.ConvTranspose2d(1, 1, 3), name="up")
