"""A worthless map that puts like grey on like grey."""

import pytest
import torch

from medlib.translation.registration.grey_sorting import sort_greys
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.similarity import correlation
from medlib.translation.registration.warp import warp

ALL = torch.ones(2, 12, 10, dtype=torch.bool)


def images(seed, *, grid=(12, 10)):
    return torch.rand(2, 1, *grid, generator=torch.Generator().manual_seed(seed))


def test_two_images_that_have_nothing_in_common_become_alike_and_the_map_folds():
    # so many voxels that chance makes no two alike: of 120, one pair here correlates by -0.31
    fixed, moving = images(0, grid=(48, 40)), images(1, grid=(48, 40))
    everywhere = torch.ones(2, 48, 40, dtype=torch.bool)
    by = sort_greys(fixed, moving, fixed_mask=everywhere, moving_mask=everywhere)
    assert float(correlation(moving, fixed).abs().max()) < 0.3
    assert float(correlation(warp(moving, by_voxels=by), fixed).min()) > 0.98
    assert float(folded_share(by).min()) > 0.5


def test_it_leads_from_centre_to_centre_and_takes_every_voxel_once():
    by = sort_greys(images(0), images(1), fixed_mask=ALL, moving_mask=ALL)
    torch.testing.assert_close(by, by.round())
    values = warp(images(1), by_voxels=by).flatten(1).sort(dim=1).values
    torch.testing.assert_close(values, images(1).flatten(1).sort(dim=1).values)


def test_an_image_is_sorted_onto_itself_by_nothing():
    by = sort_greys(images(0), images(0), fixed_mask=ALL, moving_mask=ALL)
    assert float(by.abs().max()) == 0


def test_outside_of_the_mask_nothing_moves_and_masks_may_differ_in_size():
    small = ALL.clone()
    small[:, 6:] = False
    by = sort_greys(images(0), images(1), fixed_mask=small, moving_mask=ALL)
    assert float(by[:, :, 6:].abs().max()) == 0
    assert float(by[:, :, :6].abs().max()) > 0


def test_what_does_not_fit_is_refused():
    with pytest.raises((ValueError, TypeError), match=r"differ|moving"):
        sort_greys(images(0), images(1)[:1], fixed_mask=ALL, moving_mask=ALL)
    with pytest.raises((ValueError, TypeError), match=r"one voxel for each|fixed_mask"):
        sort_greys(images(0), images(1), fixed_mask=ALL[:, :6], moving_mask=ALL[:, :6])
    with pytest.raises(ValueError, match="empty"):
        sort_greys(images(0), images(1), fixed_mask=~ALL, moving_mask=ALL)
