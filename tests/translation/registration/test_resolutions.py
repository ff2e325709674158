"""Coarse and fine: centres stay where they are, and lengths are those of the grid."""

import pytest
import torch

from medlib.translation.registration.resolutions import checked_factors, coarsened, refined
from medlib.translation.registration.warp import warp
from tests.translation.registration.fields import linear_field, noise


@pytest.mark.parametrize("grid", [(8, 12), (8, 8, 12)])
def test_blocks_are_averaged(grid):
    images = noise(2, 3, *grid)
    coarse = coarsened(images, factor=4)
    assert coarse.shape[2:] == tuple(n // 4 for n in grid)
    corner = (..., *[slice(0, 4)] * len(grid))
    first = coarse[(..., *[0] * len(grid))]
    torch.testing.assert_close(first, images[corner].flatten(2).mean(2))
    assert coarsened(images, factor=1) is images


@pytest.mark.parametrize("grid", [(8, 8), (8, 8, 8)])
def test_a_linear_field_is_the_same_field_when_refined(grid):
    """In mm: u(x) = A (x - c) has no unit, and its centre stays."""
    a = 0.1 * torch.eye(len(grid)).double() + 0.05
    fine = refined(linear_field(a, *grid), factor=2)
    truth = linear_field(a, *(2 * n for n in grid))
    inner = (..., *[slice(1, -1)] * len(grid))  # the outermost half voxel is repeated
    torch.testing.assert_close(fine[inner], truth[inner])


def test_warping_coarse_is_warping_fine():
    """Of an image that is linear, by a field that is: nothing is lost between the grids."""
    slope, a = torch.tensor([[0.3, 0.7], [0.1, 0.2]]).double(), 0.2 * torch.eye(2).double()
    image, fine_image = linear_field(slope, 16, 16)[:, :1], linear_field(slope, 32, 32)[:, :1] / 2
    by = linear_field(a + 0.05, 16, 16)
    moved = coarsened(warp(fine_image, by_voxels=refined(by, factor=2)), factor=2)
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(moved[inner], warp(image, by_voxels=by)[inner])


@pytest.mark.parametrize(
    ("factors", "says"),
    [((), "from coarse to fine"), ((2,), "1 in the end"), ((1, 2, 1), "from coarse"),
     ((3, 1), "crop or pad"), ((8, 1), "four coarse voxels")],
)  # fmt: skip
def test_factors_that_do_not_do_are_refused(factors, says):
    with pytest.raises(ValueError, match=says):
        checked_factors(factors, grid=(16, 16))
