"""All depths in one pass: equal to those one by one, whatever is read, and the mode stays."""

import numpy as np
import torch

from medlib.nets.by_depth import features_by_depth, read_by_depth
from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0, initialise
from medlib.nets.features import cached_features


def test_one_pass_gives_every_depth(imagenet):
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    found = features_by_depth(imagenet, images, batch_size=2)
    assert tuple(found) == DEPTHS
    for depth in ("stem", "stage5", "head"):
        one = cached_features(imagenet, images, depth=depth, batch_size=2)
        np.testing.assert_allclose(found[depth], one, atol=1e-5)
    imagenet.train()
    try:
        again = features_by_depth(imagenet, images, batch_size=2)
        assert imagenet.training
    finally:
        imagenet.eval()
    np.testing.assert_array_equal(again["head"], found["head"])


def test_every_depth_is_what_one_depth_at_a_time_gives_and_the_mode_stays():
    network = initialise(EfficientNetLite0(), generator=torch.Generator().manual_seed(0)).train()
    images = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = features_by_depth(network, images, batch_size=2)
    assert tuple(found) == DEPTHS
    assert network.training
    for depth in ("stem", "stage4", "head"):
        alone = cached_features(network, images, depth=depth)
        np.testing.assert_allclose(found[depth], alone, rtol=1e-4, atol=1e-5)


def test_what_is_read_is_read_of_the_depth_it_is_filed_under(imagenet):
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(2)) - 0.5
    sides = read_by_depth(imagenet, images, lambda maps: maps[:, :1, :1].flatten(1), batch_size=2)
    with torch.no_grad():
        maps = imagenet.depths(images)
    for depth, each in zip(DEPTHS, maps, strict=True):
        np.testing.assert_allclose(sides[depth], each[:, 0, 0].numpy(), atol=1e-5)
