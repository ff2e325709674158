"""Determinants: of affine maps, SimpleITK's, and folds that central differences miss."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.jacobian import (
    corner_determinants,
    folded_share,
    jacobian_determinant,
    log_jacobian,
    volume_ratio,
)
from tests.translation.registration.fields import linear_field, smooth_field

entries = st.floats(-1.5, 1.5)


@settings(max_examples=12)
@given(st.sampled_from([2, 3]), st.lists(entries, min_size=9, max_size=9))
def test_of_an_affine_map_it_is_its_determinant_everywhere(dims, numbers):
    a = torch.tensor(numbers[: dims**2]).double().reshape(dims, dims)
    truth = float(torch.linalg.det(torch.eye(dims).double() + a))
    u = linear_field(a, *(5, 4, 6)[:dims])
    for found in (jacobian_determinant(u), corner_determinants(u)):
        np.testing.assert_allclose(found, truth, atol=1e-10)
    if abs(truth) > 1e-6:
        assert float(folded_share(u)) == (truth < 0)
        np.testing.assert_allclose(volume_ratio(u, mask=u[:, 0] == u[:, 0]), truth, atol=1e-10)
        log = log_jacobian(u)
        assert log.isnan().all() if truth < 0 else np.allclose(log, np.log(truth))


@pytest.mark.parametrize("grid", [(9, 8), (7, 8, 6)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 2.0, 1.5)])
def test_it_is_simpleitks_away_from_the_edge_whatever_the_voxels_shape(grid, spacing):
    sitk = pytest.importorskip("SimpleITK")
    u, spacing = smooth_field(*grid, size=2.0), spacing[: len(grid)]
    mm = u[0] * torch.tensor(spacing).double().reshape(-1, *[1] * len(grid))
    image = sitk.GetImageFromArray(mm.flip(0).movedim(0, -1).numpy(), isVector=True)
    image.SetSpacing(spacing[::-1])
    theirs = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(image))
    inner = (slice(1, -1),) * len(grid)
    np.testing.assert_allclose(jacobian_determinant(u)[0][inner], theirs[inner], atol=1e-5)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.floats(0.2, 4.0))
def test_in_the_plane_corners_decide_for_the_whole_cell(seed, size):
    """det J of the interpolated map at any place of a cell lies between its corners'."""
    u = smooth_field(4, 4, size=size, seed=seed)
    corners = corner_determinants(u)[0].reshape(4, -1)
    s, t = np.random.default_rng(seed).random(2)
    phi = u[0] + torch.from_numpy(np.indices((4, 4)).astype(float))
    a, b, c, d = phi[:, :-1, :-1], phi[:, :-1, 1:], phi[:, 1:, :-1], phi[:, 1:, 1:]
    down, across = (1 - t) * (c - a) + t * (d - b), (1 - s) * (b - a) + s * (d - c)
    det = (down[0] * across[1] - down[1] * across[0]).flatten()
    assert (det >= corners.amin(dim=0) - 1e-9).all()
    assert (det <= corners.amax(dim=0) + 1e-9).all()


def test_the_mean_over_corners_is_the_mapped_area():
    """Of a closed border: what is gained in one cell is lost in another."""
    u = torch.zeros(1, 2, 6, 6, dtype=torch.float64)
    u[..., 1:-1, 1:-1] = smooth_field(4, 4, size=0.4)
    assert float(corner_determinants(u).mean()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("grid", [(5, 5), (5, 5, 5)])
def test_a_voxel_thrown_over_its_neighbour_is_seen_by_corners_only(grid):
    u = torch.zeros(1, len(grid), *grid)
    u[(0, 0, *[2] * len(grid))] = 1.5
    assert float(folded_share(u, differences="central")) == 0
    # on each side: the cells above it are stretched, those below it turn over
    assert float(folded_share(u)) == 2 ** (len(grid) - 1) / 4 ** len(grid)


def test_only_cells_wholly_inside_the_mask_count():
    u = torch.zeros(2, 2, 6, 6)
    u[:, 0, 2, 2] = 1.5
    mask = torch.zeros(2, 6, 6, dtype=torch.bool)
    mask[0, 2:4, 2:4], mask[1, 3:, 3:] = True, True
    assert folded_share(u, mask=mask).tolist() == [1.0, 0.0]
    assert folded_share(u, mask=torch.zeros_like(mask)).isnan().all()


def test_gradients_reach_the_field():
    u = smooth_field(3, 4, coarse=3).requires_grad_()
    assert torch.autograd.gradcheck(jacobian_determinant, (u,), fast_mode=True)
    assert torch.autograd.gradcheck(corner_determinants, (u,), fast_mode=True)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="corners, central"):
        folded_share(torch.zeros(1, 2, 4, 4), differences="forward")
    with pytest.raises(ValueError, match="one channel"):
        jacobian_determinant(torch.zeros(1, 3, 4, 4))
