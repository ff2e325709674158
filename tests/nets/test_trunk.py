"""The trunk: the source network's own maps up to a depth, for planes and for volumes."""

import pytest
import torch

from medlib.nets.efficientnet_lite import DEPTHS
from medlib.nets.trunk import Trunk
from medlib.translation.volumes.inflation import inflate


@pytest.mark.parametrize("depth", ["stem", "stage3", "head"])
def test_maps_are_those_of_the_source(imagenet, depth):
    images = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trunk = Trunk(imagenet, depth=depth)
    with torch.no_grad():
        expected = dict(zip(DEPTHS, imagenet.depths(images), strict=True))
        maps = trunk.depths(images)
        assert list(maps) == list(DEPTHS[: DEPTHS.index(depth) + 1])
        for name, values in maps.items():
            torch.testing.assert_close(values, expected[name])
        features = trunk(images)
    torch.testing.assert_close(features, expected[depth].mean(dim=(2, 3)))
    assert features.shape == (2, trunk.channels)
    assert not trunk.training


def test_grey_volumes_run_and_the_source_is_left_alone(imagenet):
    before = {name: value.clone() for name, value in imagenet.state_dict().items()}
    trunk = inflate(Trunk(imagenet, depth="stage2", grey=True), depth=3)
    assert trunk(torch.zeros(2, 1, 5, 32, 32)).shape == (2, 24)
    assert all(torch.equal(before[name], value) for name, value in imagenet.state_dict().items())
    assert imagenet.stem[0].in_channels == 3


def test_an_unknown_depth_is_refused(imagenet):
    with pytest.raises(ValueError, match="no depth 'stage8'; there are stem"):
        Trunk(imagenet, depth="stage8")
