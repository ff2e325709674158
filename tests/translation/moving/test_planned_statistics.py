"""Planned statistics: what is re-estimated equals a whole re-estimation where all moves."""

import pytest
import torch

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.moving.freeze_plan import FreezePlan
from medlib.translation.moving.planned_statistics import refresh_planned

IMAGES = torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def copy_of(network):
    copy = EfficientNetLite0()
    copy.load_state_dict(network.state_dict())
    return copy.eval()


def test_from_the_stem_on_it_is_torch_s_own_re_estimation(imagenet):
    plan = FreezePlan(from_depth=0, statistics="batch")
    ours = refresh_planned(copy_of(imagenet), IMAGES, plan, batch_size=4).state_dict()
    theirs = refresh_statistics(copy_of(imagenet), IMAGES, batch_size=4).state_dict()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name])


def test_the_last_depth_gets_what_the_frozen_ones_send(imagenet):
    plan = FreezePlan(from_depth=8, statistics="batch")
    network = refresh_planned(copy_of(imagenet), IMAGES, plan)
    with torch.no_grad():
        x = network.head[0](imagenet.depths(IMAGES)[-2])
    torch.testing.assert_close(
        network.head[1].running_mean, x.mean((0, 2, 3)), rtol=1e-4, atol=1e-5
    )
    old = imagenet.state_dict()
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, old[k])}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert changed == {f"head.1.{name}" for name in statistics}
    assert network.head[1].momentum == imagenet.head[1].momentum
    assert not network.training


def test_errors_teach(imagenet):
    with pytest.raises(ValueError, match="keeps the source"):
        refresh_planned(copy_of(imagenet), IMAGES, FreezePlan(from_depth=0))
    plan = FreezePlan(from_depth=0, statistics="batch")
    with pytest.raises(ValueError, match="at least 2"):
        refresh_planned(copy_of(imagenet), IMAGES[:1], plan)
