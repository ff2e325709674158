"""Four numbers a channel are those of its maps; one layer on is the layer that comes next."""

import numpy as np
import torch

from medlib.nets.by_depth import features_by_depth
from medlib.nets.efficientnet_lite import DEPTHS
from medlib.translation.seeing.pooled_features import BEHIND, three_ways


def noise():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5


def test_four_numbers_of_every_channel(imagenet):
    found = three_ways(imagenet, noise(), batch_size=2)["pooled"]
    assert tuple(found) == DEPTHS
    with torch.no_grad():
        maps = imagenet.depths(noise())[DEPTHS.index("stage2")].flatten(2).numpy()
    numbers = [f(maps, axis=2) for f in (np.mean, np.std, np.max, np.min)]
    np.testing.assert_allclose(found["stage2"], np.concatenate(numbers, axis=1), atol=1e-4)


def test_the_means_come_first(imagenet):
    found = three_ways(imagenet, noise())["pooled"]
    means = features_by_depth(imagenet, noise())
    for depth in DEPTHS:
        channels = means[depth].shape[1]
        np.testing.assert_allclose(found[depth][:, :channels], means[depth], atol=1e-4)


def test_one_layer_on_is_where_the_next_block_begins(imagenet):
    caught = {}

    def catch(depth):
        return lambda maps: caught.update({depth: maps.mean(dim=(2, 3)).numpy()})

    after_three, after_seven = catch("stage3"), catch("stage7")
    block = imagenet.stages[3][0]  # the first of stage 4 widens what stage 3 gives
    hook = block.depthwise.register_forward_pre_hook(lambda layer, given: after_three(given[0]))
    head = imagenet.head.register_forward_hook(lambda layer, given, maps: after_seven(maps))
    try:
        with torch.no_grad():
            imagenet(noise())
    finally:
        hook.remove()
        head.remove()
    found = three_ways(imagenet, noise(), batch_size=2)["behind"]
    assert tuple(found) == BEHIND
    for depth, said in caught.items():
        np.testing.assert_allclose(found[depth], said, atol=1e-4)
    assert found["stage7"].min() < 0 < found["stage3"].min() + 1e-9, "a cut, and none"


def test_the_means_alone_are_those_of_every_depth_and_the_mode_stays(imagenet):
    found = three_ways(imagenet.train(), noise(), batch_size=2)
    assert imagenet.training, "left as it was"
    means = features_by_depth(imagenet.eval(), noise(), batch_size=2)
    assert tuple(found["means"]) == tuple(means)
    for depth, said in means.items():
        np.testing.assert_allclose(found["means"][depth], said, atol=1e-5)
