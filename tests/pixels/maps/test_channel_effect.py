"""Deleting a channel: exact where all above is linear, and what gradients say of it elsewhere."""

import pytest
import torch

from medlib.pixels.maps.channel_effect import channel_effect


def some_maps(*, channels=5):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, channels, 4, 4, generator=generator), generator


def test_under_a_mean_and_a_linear_layer_all_but_the_bare_gradient_give_the_effect():
    maps, generator = some_maps()
    weight = torch.randn(5, 2, generator=generator)
    resting = torch.randn(5, generator=generator)
    found = channel_effect(lambda a: a.mean((2, 3)) @ weight, maps, resting=resting, target=1)

    by_law = weight[:, 1] * (maps.mean((2, 3)) - resting)
    torch.testing.assert_close(found.deleted, by_law)
    torch.testing.assert_close(found.mean_gradient_times_map, by_law)
    torch.testing.assert_close(found.gradient_times_map, by_law)
    torch.testing.assert_close(found.mean_gradient, (weight[:, 1] / 16).expand(3, 5))


def test_where_the_gradient_differs_from_place_to_place_its_mean_loses_the_effect():
    maps, generator = some_maps()
    places = torch.randn(5, 4, 4, generator=generator)

    def above(a):
        return (a * (places - places.mean((1, 2), keepdim=True))).sum((1, 2, 3))[:, None]

    found = channel_effect(above, maps, resting=torch.zeros(5), target=0, at_once=2)
    torch.testing.assert_close(found.gradient_times_map, found.deleted, atol=1e-4, rtol=1e-4)
    assert found.mean_gradient_times_map.abs().max() < 1e-4 < found.deleted.abs().max()


def test_a_resting_value_for_each_channel_is_asked_for():
    maps, _ = some_maps()
    with pytest.raises(ValueError, match="one value for each of the 5 channels"):
        channel_effect(lambda a: a.mean((2, 3)), maps, resting=torch.zeros(4), target=0)
