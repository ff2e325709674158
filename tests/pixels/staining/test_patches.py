import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.util import view_as_blocks

from medlib.pixels.staining.patches import misfit_pairs, random_patches, tiles


def own(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 9))
def test_patches_are_squares_of_the_image_turned_or_mirrored(seed, size):
    image = torch.arange(9 * 11.0).reshape(1, 9, 11)
    (patch,) = random_patches(image, n=1, size=size, generator=own(seed))
    patch = patch[0, 0]
    symmetries = [torch.rot90(p, k) for p in (patch, patch.T) for k in range(4)]
    found = any(
        torch.equal(s, image[0, r : r + size, c : c + size])
        for s in symmetries
        for r in range(9 - size + 1)
        for c in range(11 - size + 1)
    )
    assert found


def test_images_are_cut_at_the_same_places_and_every_place_and_turn_occurs():
    x = torch.rand(3, 12, 12, generator=own(1))
    a, b = random_patches(x, 1 - x[:2], n=5, size=4, generator=own())
    torch.testing.assert_close(1 - a[:, :2], b)
    corner = torch.arange(144.0).reshape(1, 12, 12)
    drawn = [random_patches(corner, n=2, size=11, generator=own(s))[0] for s in range(200)]
    assert len({tuple(p.flatten().tolist()) for d in drawn for p in d}) == 4 * 8


def test_pairs_without_misfit_fit_and_with_it_lie_within_its_reach():
    x = torch.rand(1, 60, 60, generator=own(1))
    a, b = misfit_pairs(x, x, n=6, size=16, misfit_px=0.0, generator=own())
    assert torch.equal(a, b)
    ramp = torch.arange(60.0).expand(1, 60, 60).contiguous()
    a, b = misfit_pairs(ramp, ramp, n=60, size=16, misfit_px=2.0, generator=own())
    assert a.shape == b.shape == (60, 1, 16, 16)
    moved = (a - b).abs()
    assert 1.0 < float(moved.max()) <= 3.0 + 1e-4


def test_tiles_are_scikit_images_blocks():
    image = torch.rand(2, 3, 9, 14, generator=own())
    got = tiles(image, size=4).numpy()
    blocks = [view_as_blocks(i[:, :8, :12].copy(), (3, 4, 4)) for i in image.numpy()]
    np.testing.assert_array_equal(got, np.concatenate([b.reshape(-1, 3, 4, 4) for b in blocks]))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        random_patches(torch.zeros(1, 8, 8), n=1, size=9, generator=own())
    with pytest.raises((ValueError, TypeError), match="images"):
        random_patches(torch.zeros(1, 8, 8), torch.zeros(1, 8, 9), n=1, size=4, generator=own())
    with pytest.raises(ValueError, match="not one square"):
        tiles(torch.zeros(1, 1, 3, 9), size=4)
