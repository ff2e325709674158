"""Weights change places within their kernels, and nothing else changes."""

import pytest
import torch
from torch import nn

from medlib.translation.seeing.rearranged_kernels import shuffled_kernels, turned_kernels


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


def depthwise(imagenet):
    return [m.weight for m in imagenet.modules() if getattr(m, "groups", 1) > 1]


@pytest.mark.parametrize("rearrange", [shuffled_kernels, turned_kernels])
def test_every_kernel_keeps_its_weights_and_the_network_its_own(imagenet, rearrange):
    before = {name: x.clone() for name, x in imagenet.state_dict().items()}
    changed = rearrange(imagenet, generator=noise())
    for name, x in imagenet.state_dict().items():
        assert torch.equal(x, before[name]), "the network that was given has changed"
    for old, new in zip(depthwise(imagenet), depthwise(changed), strict=True):
        assert not torch.equal(old, new)
        assert torch.equal(old.flatten(1).sort(dim=1).values, new.flatten(1).sort(dim=1).values)
    kept = {id(w) for w in depthwise(changed)}
    for (name, old), new in zip(imagenet.named_parameters(), changed.parameters(), strict=True):
        assert id(new) in kept or torch.equal(old, new), f"{name} is no depthwise kernel"


def test_turned_kernels_keep_every_weight_at_its_distance_and_draw_all_eight():
    layer = nn.Conv2d(400, 400, 3, groups=400, bias=False)
    layer.weight.data[:] = torch.arange(9.0).reshape(3, 3)
    (turned,) = turned_kernels(nn.Sequential(layer), generator=noise())
    assert (turned.weight[..., 1, 1] == 4).all()
    corners = turned.weight[:, 0, ::2, ::2].flatten(1).sort(dim=1).values
    assert torch.equal(corners, torch.tensor([[0.0, 2.0, 6.0, 8.0]]).expand(400, 4))
    assert len(torch.unique(turned.weight.flatten(1), dim=0)) == 8


def test_another_generator_gives_another_draw(imagenet):
    one, two = (turned_kernels(imagenet, generator=noise(seed)) for seed in (0, 1))
    assert not torch.equal(depthwise(one)[0], depthwise(two)[0])


def test_a_kernel_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match=r"expected square"):
        turned_kernels(nn.Sequential(nn.Conv2d(2, 2, (1, 3), groups=2)), generator=noise())
