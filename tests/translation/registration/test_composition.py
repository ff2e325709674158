"""Composition and inversion: laws of maps, and SimpleITK's inverse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.composition import compose, inverse_consistency_mm, invert
from medlib.translation.registration.displacement import inside
from medlib.translation.registration.warp import warp
from tests.translation.registration.fields import faded, linear_field, noise, smooth_field

seeds = st.integers(0, 10**6)


@settings(max_examples=10)
@given(seeds)
def test_identity_is_neutral_on_both_sides(seed):
    u = smooth_field(8, 9, size=2.0, seed=seed)
    zero = torch.zeros_like(u)
    torch.testing.assert_close(compose(u, first=zero), u)
    torch.testing.assert_close(compose(zero, first=u), u)


def test_of_linear_maps_it_is_the_product_of_their_matrices():
    a = torch.tensor([[0.1, -0.2], [0.3, 0.05]]).double()
    b = torch.tensor([[-0.1, 0.1], [0.0, 0.2]]).double()
    eye = torch.eye(2).double()
    u, v = (linear_field(m, 15, 15) for m in (a, b))
    both = linear_field((eye + b) @ (eye + a) - eye, 15, 15)
    kept = inside(u)[:, None].expand_as(u)
    torch.testing.assert_close(compose(v, first=u)[kept], both[kept])


def test_warping_by_a_composition_is_warping_twice_the_outer_first():
    """To what interpolating twice blurs: a smooth image, and small for it."""
    image = smooth_field(40, 40)[:, :1]
    u, v = (faded(smooth_field(40, 40, size=1.5, seed=s), voxels=8) for s in (1, 2))
    at_once = warp(image, by_voxels=compose(v, first=u))
    in_turn = warp(warp(image, by_voxels=v), by_voxels=u)
    wrong_order = warp(warp(image, by_voxels=u), by_voxels=v)
    assert float((at_once - in_turn).abs().max()) < 0.01
    assert float((at_once - wrong_order).abs().max()) > 0.015


@settings(max_examples=8)
@given(seeds, st.sampled_from([(20, 22), (12, 11, 13)]))
def test_there_and_back_is_where_it_began(seed, grid):
    u = faded(smooth_field(*grid, size=1.0, seed=seed), voxels=5)
    found = invert(u)
    assert float(found.residual_voxels) < 2e-3
    missed = inverse_consistency_mm(u, backward=found.by_voxels, spacing_mm=(1.0,) * len(grid))
    assert float(missed.nan_to_num().max()) < 2e-3
    # and the other way round, to what reading w between voxels costs
    assert float(compose(found.by_voxels, first=u).abs().max()) < 0.4


def test_it_is_simpleitks_inverse():
    sitk = pytest.importorskip("SimpleITK")
    u = faded(smooth_field(24, 20, size=1.5), voxels=6)
    theirs = sitk.GetImageFromArray(u[0].flip(0).movedim(0, -1).numpy(), isVector=True)
    theirs = sitk.InvertDisplacementField(
        theirs, maximumNumberOfIterations=500, maxErrorToleranceThreshold=1e-6,
        meanErrorToleranceThreshold=1e-7, enforceBoundaryCondition=False,
    )  # fmt: skip
    theirs = torch.from_numpy(sitk.GetArrayFromImage(theirs)).movedim(-1, 0).flip(0)
    torch.testing.assert_close(invert(u).by_voxels[0], theirs, rtol=0, atol=2e-4)


def test_where_it_folds_the_residual_says_so():
    u = torch.zeros(1, 2, 12, 12)
    u[0, 0, 5, 5] = 3.0
    assert float(invert(u).residual_voxels) > 0.5


def test_consistency_is_in_millimetres_and_silent_outside():
    zero, shift = torch.zeros(1, 2, 6, 6), torch.zeros(1, 2, 6, 6)
    shift[:, 1] = 1.0
    missed = inverse_consistency_mm(zero, backward=shift, spacing_mm=(1.0, 2.5))
    assert torch.equal(missed[0, :, :5], torch.full((6, 5), 2.5))
    assert missed[0, :, 5].isnan().all()


def test_what_does_not_fit_is_refused():
    with pytest.raises((ValueError, TypeError), match=r"one shape|first"):
        compose(smooth_field(6, 6), first=smooth_field(6, 7))
    for wrong in ({"iterations": 0}, {"tolerance_voxels": 0.0}):
        with pytest.raises(ValueError, match="one or more, positive"):
            invert(smooth_field(6, 6), **wrong)
    with pytest.raises(ValueError, match="one channel"):
        invert(noise(1, 3, 6, 6))
