"""The shift of each image: what cancels in the mean is kept, and both measures agree elsewhere."""

import numpy as np
import pytest
import torch
from torch import nn

from medlib.translation.shifts.covariate_shift import measured_statistics
from medlib.translation.shifts.image_shift import (
    channel_means,
    shift_of_mean,
    shift_per_image,
    shift_per_place,
)


def two_layers():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5)
    )


def test_the_mean_over_images_is_what_the_statistics_of_all_say():
    network, images = (
        two_layers().train(),
        torch.randn(7, 3, 9, 9, generator=torch.Generator().manual_seed(1)),
    )
    each = channel_means(network, images, batch_size=3)
    whole = measured_statistics(network.eval(), images)
    for rows, layer in zip(each, whole, strict=True):
        assert rows.shape == (7, len(layer.mean))
        assert rows.mean(0) == pytest.approx(layer.mean, abs=1e-6)


def test_the_network_is_left_as_it_was():
    network = two_layers().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    channel_means(network, torch.randn(4, 3, 9, 9))
    assert network.training
    assert not network[1]._forward_pre_hooks
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_opposite_shifts_cancel_in_the_mean_only():
    home = [np.zeros((2, 3))]
    there = [np.array([[1.0, 2.0, 2.0], [-1.0, -2.0, -2.0]])]
    sds = [np.array([1.0, 2.0, 2.0])]
    assert shift_per_image(there, home, sds=sds).tolist() == [[1.0, 1.0]]
    assert shift_of_mean(there, home, sds=sds).tolist() == [0.0]


def test_one_row_serves_all_images_and_the_mean_is_never_larger():
    rng = np.random.default_rng(0)
    there, home, sds = [rng.normal(size=(6, 4))], [rng.normal(size=(1, 4))], [np.full(4, 0.5)]
    each = shift_per_image(there, home, sds=sds)
    by_hand = np.sqrt((((there[0] - home[0]) / 0.5) ** 2).mean(1))
    assert each[0] == pytest.approx(by_hand)
    assert shift_of_mean(there, home, sds=sds)[0] < each.mean()


def test_errors_teach():
    a, b = [np.zeros((4, 2))], [np.zeros((3, 2))]
    with pytest.raises(ValueError, match="4 images there and 3 at home"):
        shift_per_image(a, b, sds=[np.ones(2)])
    with pytest.raises(ValueError, match="no unit to count in"):
        shift_per_image(a, a, sds=[np.array([1.0, 0.0])])
    with pytest.raises(ValueError, match="2 channels there, 2 at home and 3"):
        shift_of_mean(a, b, sds=[np.ones(3)])
    with pytest.raises(ValueError, match="1 layers there, 2 at home"):
        shift_of_mean(a, a * 2, sds=[np.ones(2)])
    with pytest.raises(ValueError, match="no batch normalisation"):
        channel_means(nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 9, 9))


def two_statistics():
    """Two layers with statistics of their own, the second behind a convolution."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3))
    return network.eval(), [np.array([0.5, 2.0]), np.array([1.0, 2.0, 3.0])]


def test_the_size_over_places_is_the_root_mean_square_of_what_enters():
    network, sds = two_statistics()
    rng = np.random.default_rng(0)
    home, there = torch.from_numpy(rng.normal(size=(2, 5, 2, 6, 4)).astype(np.float32))
    found = shift_per_place(network, there, home, sds=sds, batch_size=2)
    with torch.no_grad():
        second = (network[:2](there) - network[:2](home)).numpy() / sds[1][:, None, None]
    first = (there - home).numpy() / sds[0][:, None, None]
    for layer, delta in enumerate((first, second)):
        by_hand = np.sqrt((delta.astype(float) ** 2).mean(axis=(1, 2, 3)))
        assert found[layer] == pytest.approx(by_hand, rel=1e-5)


def test_what_goes_up_here_and_down_there_is_seen_place_by_place_only():
    network = nn.Sequential(nn.BatchNorm2d(1)).eval()
    home = torch.zeros(1, 1, 2, 2)
    there = torch.tensor([[[[2.0, -2.0], [2.0, -2.0]]]])
    means = [channel_means(network, x) for x in (there, home)]
    assert shift_per_image(*means, sds=[np.ones(1)]).item() == 0
    assert shift_per_place(network, there, home, sds=[np.ones(1)]).item() == pytest.approx(2)


def test_a_mirror_image_turned_back_has_not_moved_where_nothing_looks_sideways():
    network = nn.Sequential(nn.BatchNorm2d(3)).eval()
    home = torch.rand(3, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    moved, back = (
        shift_per_place(network, home.flip(-1), home, sds=[np.ones(3)], mirrored=mirrored)
        for mirrored in (False, True)
    )
    assert moved.min() > 0.1
    assert back.max() == 0


@pytest.mark.parametrize(
    ("there", "sds", "words"),
    [((2, 1, 4, 4), 1, "there, .* at home"), ((3, 1, 4, 4), 2, "2 arrays of sds for 1 batch")],
)
def test_place_by_place_wants_the_same_images_and_layers(there, sds, words):
    network = nn.Sequential(nn.BatchNorm2d(1)).eval()
    with pytest.raises(ValueError, match=words):
        shift_per_place(
            network, torch.zeros(there), torch.zeros(3, 1, 4, 4), sds=[np.ones(1)] * sds
        )
