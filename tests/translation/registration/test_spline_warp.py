"""Splines that no velocity made: their size, their steepness, their way back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from medlib.translation.registration.composition import inverse_consistency_mm
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.spline_warp import _basis, spline_warp

GRID = {"grid": (40, 32), "spacing_mm": (2.0, 2.0)}


def drawn(seed=0, **changes):
    options = {"lattice_mm": 14.0, "largest_mm": 3.0, **GRID, **changes}
    return spline_warp(2, rng=np.random.default_rng(seed), **options)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.floats(1.0, 30.0))
def test_however_large_it_is_wanted_it_never_folds_and_leads_back(seed, largest_mm):
    found = drawn(seed, largest_mm=largest_mm)
    assert float(folded_share(found.by_voxels).max()) == 0
    assert float(found.residual_voxels.max()) < 1e-3
    missed = inverse_consistency_mm(
        found.back_voxels, backward=found.by_voxels, spacing_mm=GRID["spacing_mm"]
    )
    assert float(missed.nan_to_num().mean()) < 0.05  # both are read between voxels


def test_it_is_as_large_as_asked_where_it_may_be_and_smaller_where_it_would_be_too_steep():
    small, large = drawn(largest_mm=0.5).by_voxels, drawn(largest_mm=50.0).by_voxels
    longest = torch.linalg.vector_norm(2 * small, dim=1).flatten(1).amax(dim=1)
    torch.testing.assert_close(longest, torch.full((2,), 0.5))
    assert float(torch.linalg.vector_norm(2 * large, dim=1).max()) < 50
    slopes = torch.stack(torch.gradient(large, dim=(2, 3)), dim=2).movedim((1, 2), (-2, -1))
    steepest = torch.linalg.matrix_norm(slopes, ord=2).flatten(1).amax(dim=1)
    torch.testing.assert_close(steepest, torch.full((2,), 0.8), atol=1e-4, rtol=0)


def test_nothing_moves_at_the_edge():
    by = drawn().by_voxels
    assert float(by[:, :, [0, -1]].abs().max()) < 1e-6
    assert float(by[..., [0, -1]].abs().max()) < 1e-6


def test_its_basis_is_scipys_cubic_spline():
    step, voxels = 5.0, 41
    basis = _basis(voxels, step)
    middle = np.arange(basis.shape[1])[basis.shape[1] // 2]
    at = np.arange(voxels)[basis[:, middle].argmax()]
    spline = BSpline.basis_element(np.arange(-2, 3) * step, extrapolate=False)
    expected = np.nan_to_num(spline(np.arange(voxels) - float(at)))
    np.testing.assert_allclose(basis[:, middle], expected, atol=1e-12)


def test_in_space_too():
    found = spline_warp(
        1, grid=(24, 24, 24), spacing_mm=(3.0, 3.0, 3.0), lattice_mm=15.0, largest_mm=5.0,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found.by_voxels.shape == (1, 3, 24, 24, 24)
    assert float(folded_share(found.by_voxels)) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lattice_mm": 0.0}, "positive"),
        ({"largest_mm": -1.0}, "positive"),
        ({"steepest": 1.0}, "below 1"),
        ({"lattice_mm": 40.0}, "no control point"),
    ],
)
def test_what_cannot_be_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        drawn(**changes)
