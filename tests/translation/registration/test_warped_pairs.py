"""Pairs whose map is known: the map leads from one image to the other."""

import numpy as np
import pytest
import torch

from medlib.translation.registration.drawn_pairs import KINDS, Bending, drawn_pairs
from medlib.translation.registration.similarity import squared_error
from medlib.translation.registration.warp import warp
from medlib.translation.registration.warped_pairs import joined, warped_pairs
from tests.translation.registration.fields import smooth_field


def anatomy(levels=4, side=40):
    """Smooth images of 0.2 to 1, and two probabilities."""
    image = 0.6 + 0.4 * smooth_field(side, side, batch=levels, coarse=8, dtype=torch.float32)[:, :1]
    grey = (image > 0.6).float()
    return torch.cat([image.clamp(min=0.2), grey, 1 - grey], dim=1)


def some(kinds=KINDS, each=3, seed=0, **bending):
    options = {
        "rng": np.random.default_rng(seed),
        "bending": Bending(noise=0.0, lattice_mm=14.0, **bending),
    }
    return drawn_pairs([anatomy()], each=each, spacing_mm=(2.0, 2.0), kinds=kinds, **options)


@pytest.mark.parametrize("kind", ["flow", "spline"])
def test_the_known_map_lays_the_moving_image_on_the_fixed_one(kind):
    pairs = some((kind,), largest_mm=6.0)
    before = squared_error(pairs.moving, pairs.fixed)
    after = squared_error(warp(pairs.moving, by_voxels=pairs.known), pairs.fixed)
    assert (after < 0.1 * before).all()  # what is left is interpolation
    wrong_way = squared_error(warp(pairs.moving, by_voxels=-pairs.known), pairs.fixed)
    assert (wrong_way > before).all()


def test_labels_go_with_their_images_and_the_mask_is_the_fixed_brain():
    pairs = some(("flow",))
    torch.testing.assert_close(pairs.mask, pairs.fixed_labels[:, 0] > 0)
    bright = pairs.fixed > 0.65
    assert float((pairs.fixed_labels[bright] == 1).float().mean()) > 0.95


def test_of_two_levels_nobody_knows_the_map():
    pairs = some(("levels",), each=2)
    assert bool(pairs.known.isnan().all())
    assert float(squared_error(pairs.moving, pairs.fixed).min()) > 0


def test_noise_is_each_images_own_and_one_seed_draws_the_same():
    options = {"each": 1, "spacing_mm": (2.0, 2.0), "kinds": ("flow",)}
    bending = Bending(largest_mm=1e-6, noise=0.1)
    first, again = (
        drawn_pairs([anatomy()], rng=np.random.default_rng(3), bending=bending, **options)
        for _ in range(2)
    )
    torch.testing.assert_close(first.fixed, again.fixed)
    assert float((first.fixed - first.moving).std()) == pytest.approx(0.1 * 2**0.5, rel=0.1)


def test_sets_are_joined_in_order():
    one, two = some(("flow",), each=1), some(("levels",), each=2)
    both = joined([one, two])
    assert len(both) == 3
    assert both.of_kind("levels").tolist() == [False, True, True]
    torch.testing.assert_close(both.moving[1:], two.moving)


def test_what_cannot_be_is_refused():
    zero, thin = torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)
    options = {"noise": 0.0, "rng": np.random.default_rng(0), "kind": "still"}
    with pytest.raises((ValueError, TypeError), match=r"probabilities|anatomy"):
        warped_pairs(torch.rand(1, 2, 8, 8), a=(zero, zero), b=(zero, zero), **options)
    with pytest.raises(ValueError, match="one channel for each axis"):
        warped_pairs(torch.rand(1, 3, 8, 8), a=(thin, thin), b=(thin, thin), **options)
    with pytest.raises(ValueError, match="noise"):
        warped_pairs(
            torch.rand(1, 3, 8, 8), a=(zero, zero), b=(zero, zero), **{**options, "noise": -1.0}
        )
    with pytest.raises(ValueError, match="one of flow"):
        some(("tears",))
    with pytest.raises(ValueError, match="apart"):
        some(("levels",), levels_apart=9)
