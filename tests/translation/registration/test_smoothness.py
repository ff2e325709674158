"""Energies: what is free, MONAI's bending, and millimetres."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.smoothness import bending_energy, diffusion_energy
from tests.translation.registration.fields import linear_field, smooth_field

entries = st.lists(st.floats(-1, 1), min_size=9, max_size=9)


@settings(max_examples=10)
@given(st.sampled_from([2, 3]), entries, st.floats(-9, 9))
def test_a_linear_map_costs_its_squares_and_does_not_bend(dims, numbers, shift):
    a = torch.tensor(numbers[: dims**2]).double().reshape(dims, dims)
    u = linear_field(a, *(5, 4, 6)[:dims]) + shift
    torch.testing.assert_close(diffusion_energy(u)[0], a.square().sum())
    assert float(bending_energy(u)) < 1e-20


@pytest.mark.parametrize("grid", [(9, 9), (8, 8, 8)])
def test_bending_is_monais_on_a_field_that_bends_evenly(grid):
    """Of a quadratic field all differences of differences are the same, by whatever stencil."""
    x = linear_field(torch.eye(len(grid)), *grid)
    u = 0.05 * x * x.flip(1) + 0.02 * x**2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it indexes by a list
        from monai.losses import BendingEnergyLoss

        theirs = float(BendingEnergyLoss()(u))
    assert float(bending_energy(u)) == pytest.approx(theirs * len(grid), rel=1e-9)


@settings(max_examples=10)
@given(st.floats(0.3, 4.0))
def test_cubes_of_any_size_diffuse_alike_and_bend_by_their_square(side):
    u = smooth_field(8, 9)
    spacing = (side, side)
    torch.testing.assert_close(diffusion_energy(u, spacing_mm=spacing), diffusion_energy(u))
    torch.testing.assert_close(bending_energy(u, spacing_mm=spacing) * side**2, bending_energy(u))


def test_in_millimetres_a_long_voxel_is_long():
    """A shear along the long side of the voxel: its own slope is 0.5 mm in 3 mm."""
    u = torch.zeros(1, 2, 6, 6)
    u[:, 0] = 0.5 * torch.arange(6.0)  # rows move, from column to column
    assert float(diffusion_energy(u, spacing_mm=(1.0, 3.0))) == pytest.approx((0.5 / 3) ** 2)
    assert float(diffusion_energy(u, spacing_mm=(3.0, 1.0))) == pytest.approx(1.5**2)


def test_each_field_of_a_batch_has_its_own():
    u = smooth_field(8, 9, batch=3)
    for energy in (diffusion_energy, bending_energy):
        torch.testing.assert_close(energy(u)[1:2], energy(u[1:2]))
        torch.testing.assert_close(energy(2 * u), 4 * energy(u))


def test_what_cannot_bend_is_refused():
    with pytest.raises(ValueError, match="three voxels"):
        bending_energy(torch.zeros(1, 2, 2, 5))
    with pytest.raises(ValueError, match="positive numbers"):
        diffusion_energy(torch.zeros(1, 2, 4, 4), spacing_mm=(1.0,))
