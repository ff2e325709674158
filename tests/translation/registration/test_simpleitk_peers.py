"""SimpleITK's methods: in our order of axes, in voxels, the smoother the larger their knob."""

import sys

import pytest
import torch

pytest.importorskip("SimpleITK")

from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.simpleitk_peers import METHODS, register_by_simpleitk
from medlib.translation.registration.smoothness import bending_energy, diffusion_energy
from medlib.translation.registration.warp import warp
from tests.translation.registration.fields import faded, smooth_field

LOSS = LOSSES["squared error"]


def pair(*grid, size=2.0):
    image = faded(smooth_field(*grid, seed=10, coarse=8 - len(grid))[:, :1], voxels=4)
    truth = faded(smooth_field(*grid, size=size, coarse=6 - len(grid)), voxels=4)
    return warp(image, by_voxels=truth), image, truth.float()


def found(fixed, moving, method, **options):
    dims = fixed.ndim - 2
    options = {"spacing_mm": (2.0, 3.0, 1.0)[:dims], "smoothness_mm": 4.0, **options}
    options = {"iterations": 40, "factors": (2, 1), **options}
    return register_by_simpleitk(fixed, moving, method=method, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grid", [(32, 24), (16, 12, 16)])
def test_a_known_field_is_found_in_our_order_and_unit(method, grid):
    plane, spline = len(grid) == 2, method == "B-spline"
    fixed, moving, truth = pair(*grid, size=2.0 if plane else 1.5)
    smoothness_mm = (12.0 if spline else 3.0) if plane else (8.0 if spline else 1.5)
    iterations = 40 if plane else (2 if spline else 15)
    by = found(fixed, moving, method, smoothness_mm=smoothness_mm, iterations=iterations)
    left = float(LOSS(warp(moving, by_voxels=by.double()), fixed) / LOSS(moving, fixed))
    assert left < (0.25 if plane else 0.5)
    if plane:  # splines are free where there is nothing to see, and in space that is more
        assert float((by - truth).square().mean()) < 0.7 * float(truth.square().mean())
    swapped = warp(moving, by_voxels=by.flip(1).double())
    assert float(LOSS(swapped, fixed) / LOSS(moving, fixed)) > 1.2 * left


@pytest.mark.parametrize("method", METHODS)
def test_a_shift_is_as_long_as_it_is_whatever_the_voxels_shape(method):
    """Two rows and one column, of voxels of 2 by 5 mm."""
    y, x = torch.meshgrid(torch.arange(32.0) - 16, torch.arange(24.0) - 12, indexing="ij")
    blobs = [
        torch.exp(-((y - a) ** 2 + (x - b) ** 2) / 30)[None, None] for a, b in ((0, 0), (2, 1))
    ]
    by = found(
        *blobs, method, spacing_mm=(2.0, 5.0), smoothness_mm=20.0 if method == "B-spline" else 4.0
    )
    middle = by[0, :, 13:20, 9:16].mean(dim=(1, 2))
    torch.testing.assert_close(middle, torch.tensor([2.0, 1.0]), rtol=0, atol=0.2)


@pytest.mark.parametrize("method", METHODS)
def test_the_knob_smooths_and_twice_is_the_same(method):
    fixed, moving, _ = pair(32, 24)
    few, many = (12.0, 40.0) if method == "B-spline" else (3.0, 9.0)
    rough, smooth = (
        found(fixed, moving, method, smoothness_mm=s, iterations=15) for s in (few, many)
    )
    # bending for its size: a smoother field may well be a larger one
    bends = [float(bending_energy(by) / diffusion_energy(by)) for by in (rough, smooth)]
    assert bends[1] < 0.7 * bends[0]
    assert torch.equal(rough, found(fixed, moving, method, smoothness_mm=few, iterations=15))


def test_without_simpleitk_it_says_what_to_install(monkeypatch):
    fixed, moving, _ = pair(16, 16)
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ImportError, match="pip install -c"):
        found(fixed, moving, "demons")


def test_what_does_not_fit_is_refused():
    fixed, moving, _ = pair(16, 16)
    with pytest.raises(ValueError, match="one of diffeomorphic demons"):
        found(fixed, moving, "elastix")
    with pytest.raises(ValueError, match="powers of two"):
        found(*(torch.zeros(1, 1, 24, 24),) * 2, "B-spline", factors=(3, 1))
    with pytest.raises(ValueError, match="positive"):
        found(fixed, moving, "demons", smoothness_mm=0.0)
    with pytest.raises((ValueError, TypeError), match=r"differ|moving"):
        found(fixed, moving[..., 1:], "demons")
