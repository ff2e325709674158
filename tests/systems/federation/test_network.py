"""Same generator, same weights; and under group normalisation each image stands for itself."""

import pytest
import torch

from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.network import site_network


def make(seed=0, **settings):
    return site_network(generator=torch.Generator().manual_seed(seed), **settings)


def test_first_weights_are_the_generators():
    torch.manual_seed(5)
    one = make().state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(6)
    assert all(torch.equal(v, make().state_dict()[k]) for k, v in one.items())
    assert not torch.equal(one["0.weight"], make(seed=1).state_dict()["0.weight"])
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), drawn), "the global generator is left alone"


@pytest.mark.parametrize(("norm", "entries"), [("batch", 15), ("group", 6)])
def test_shapes_and_norms(norm, entries):
    net = make(norm=norm, width=4, channels=1)
    assert net(torch.zeros(2, 1, 9, 7)).shape == (2, 2)
    assert len(norm_entries(net)) == entries


def test_an_image_is_answered_by_itself_under_group_norm():
    net, images = make(norm="group"), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(net(images)[:1], net(images[:1]))


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="norm is 'layer'"):
        make(norm="layer")
    with pytest.raises(ValueError, match="width is 6"):
        make(width=6)
