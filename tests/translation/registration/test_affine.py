"""Affine maps: closed forms, SimpleITK's points, and maps that are found again."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.affine import affine_displacement, fit_affine, rotation
from medlib.translation.registration.displacement import identity_grid
from medlib.translation.registration.jacobian import jacobian_determinant
from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.warp import warp
from tests.translation.registration.fields import smooth_field

angles = st.floats(-2.0, 2.0)


@settings(max_examples=6)
@given(st.lists(angles, min_size=3, max_size=3), st.sampled_from([1, 3]))
def test_rotations_keep_lengths_and_sides(three, n):
    r = rotation(torch.tensor([three[:n]]).double())[0]
    torch.testing.assert_close(r @ r.T, torch.eye(len(r)).double())
    assert float(torch.linalg.det(r)) == pytest.approx(1)
    back = rotation(-torch.tensor([three[:n]]).double())[0]
    torch.testing.assert_close(back, r.T)


@pytest.mark.parametrize("dims", [2, 3])
def test_points_go_where_simpleitk_sends_them(dims):
    sitk = pytest.importorskip("SimpleITK")
    grid, spacing = (6, 7, 5)[:dims], (1.5, 1.0, 2.0)[:dims]
    rng = np.random.default_rng(0)
    a, t = np.eye(dims) + 0.2 * rng.normal(size=(dims, dims)), rng.normal(size=dims)
    theirs = sitk.AffineTransform(dims)
    theirs.SetMatrix(a[::-1, ::-1].ravel())  # its first axis is our last
    theirs.SetTranslation(t[::-1])
    theirs.SetCenter([(n - 1) / 2 * s for n, s in zip(grid, spacing, strict=True)][::-1])
    by = affine_displacement(
        torch.from_numpy(a)[None], shift_mm=torch.from_numpy(t)[None], grid=grid, spacing_mm=spacing
    )
    where = (identity_grid(by) + by)[0] * torch.tensor(spacing).reshape(-1, *[1] * dims)
    for voxel in ([0] * dims, [3, 2, 4][:dims]):
        point = [v * s for v, s in zip(voxel, spacing, strict=True)]
        sent = theirs.TransformPoint(point[::-1])[::-1]
        np.testing.assert_allclose(where[(slice(None), *voxel)], sent, atol=1e-9)
    np.testing.assert_allclose(jacobian_determinant(by), np.linalg.det(a))


def scene(dims=2, n=24):
    """A smooth image that no turn leaves as it is."""
    own = [torch.linspace(-1, 1, n, dtype=torch.float64)] * dims
    x = torch.meshgrid(*own, indexing="ij")
    near = torch.exp(-8 * (x[0] - 0.2) ** 2 - 3 * x[1] ** 2 - (3 * x[-1] ** 2 if dims == 3 else 0))
    far = torch.exp(-20 * ((x[0] + 0.4) ** 2 + (x[-1] - 0.3) ** 2))
    return (near + 0.7 * far)[None, None]


@pytest.mark.parametrize(
    ("kind", "matrix"),
    [
        ("rigid", rotation(torch.tensor([[0.3]]).double())[0]),
        ("affine", torch.tensor([[1.15, 0.1], [-0.05, 0.9]]).double()),
    ],
)
def test_a_known_map_is_found_again(kind, matrix):
    spacing, shift = (2.0, 2.0), torch.tensor([[3.0, -2.0]]).double()
    truth = affine_displacement(matrix[None], shift_mm=shift, grid=(24, 24), spacing_mm=spacing)
    moving = scene()
    fixed = warp(moving, by_voxels=truth)
    found = fit_affine(fixed, moving, spacing_mm=spacing, kind=kind, factors=(1,), iterations=12)
    apart = 2.0 * (found.by_voxels - truth)[..., 4:-4, 4:-4].abs().max()
    assert float(apart) < 0.05
    torch.testing.assert_close(found.matrix[0], matrix, rtol=0, atol=0.01)
    torch.testing.assert_close(found.shift_mm, shift, rtol=0, atol=0.05)
    assert float(found.loss) < 1e-4


def test_a_shift_in_space_is_found_again():
    moving, shift = scene(3, 16), torch.tensor([[2.0, -1.0, 1.5]]).double()
    options = {"grid": (16, 16, 16), "spacing_mm": (1.0, 1.0, 1.0)}
    truth = affine_displacement(torch.eye(3).double()[None], shift_mm=shift, **options)
    found = fit_affine(
        warp(moving, by_voxels=truth), moving, spacing_mm=(1.0, 1.0, 1.0), kind="rigid",
        factors=(2, 1), iterations=8,
    )  # fmt: skip
    torch.testing.assert_close(found.shift_mm, shift, rtol=0, atol=0.1)


def test_a_rigid_map_cannot_follow_what_stretches():
    truth = affine_displacement(
        torch.diag(torch.tensor([1.3, 0.8])).double()[None],
        shift_mm=torch.zeros(1, 2).double(), grid=(24, 24), spacing_mm=(1.0, 1.0),
    )  # fmt: skip
    pair = warp(scene(), by_voxels=truth), scene()
    options = {"spacing_mm": (1.0, 1.0), "factors": (1,), "iterations": 10}
    options["loss"] = LOSSES["squared error"]
    rigid, affine = (float(fit_affine(*pair, kind=k, **options).loss) for k in ("rigid", "affine"))
    assert rigid > 20 * affine


def test_what_does_not_fit_is_refused():
    image = scene(n=16)
    with pytest.raises(ValueError, match="one of rigid, affine"):
        fit_affine(image, image, spacing_mm=(1.0, 1.0), kind="similarity")
    with pytest.raises((ValueError, TypeError), match=r"differ|moving"):
        fit_affine(image, image[..., 1:], spacing_mm=(1.0, 1.0))
    with pytest.raises(ValueError, match="crop or pad"):
        fit_affine(image, image, spacing_mm=(1.0, 1.0), factors=(3, 1))
    with pytest.raises(ValueError, match="2 angles"):
        rotation(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="2 axes"):
        affine_displacement(
            torch.eye(2)[None], shift_mm=torch.zeros(1, 2), grid=(4, 4, 4), spacing_mm=(1.0, 1.0)
        )
    assert smooth_field(4, 4).shape == (1, 2, 4, 4)
