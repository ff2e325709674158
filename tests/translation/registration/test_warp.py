"""Warping: the values of SciPy, the gradients of torch, and one order of every sum."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from torch.nn import functional

from medlib.translation.registration.warp import sum_by_place, warp, warp_labels
from tests.translation.registration.fields import noise, smooth_field

GRIDS = [(9, 12), (5, 6, 7)]
BOTH = pytest.mark.parametrize("ordered", [True, False])


def by_grid_sample(image, by, *, outside, align_corners, mode="bilinear"):
    """With the conversion of each convention, written out."""
    sizes = image.shape[2:]
    places = []
    for axis, n in enumerate(sizes):
        shape = [n if a == axis else 1 for a in range(len(sizes))]
        where = torch.arange(n, dtype=by.dtype).reshape(shape) + by[:, axis]
        places.append(2 * where / (n - 1) - 1 if align_corners else (2 * where + 1) / n - 1)
    return functional.grid_sample(
        image,
        torch.stack(places[::-1], dim=-1),
        mode=mode,
        padding_mode={"edge": "border", "zero": "zeros"}[outside],
        align_corners=align_corners,
    )


@BOTH
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("outside", "align_corners"), [("edge", True), ("edge", False), ("zero", True)]
)
def test_values_and_gradients_are_grid_samples(grid, outside, align_corners, ordered):
    image = noise(2, 3, *grid).requires_grad_()
    # far beyond the edges, too
    by = (smooth_field(*grid, batch=2, size=5.0) + 0.01).requires_grad_()
    towards = noise(2, 3, *grid, seed=1)
    ours = warp(image, by_voxels=by, outside=outside, ordered=ordered)
    theirs = by_grid_sample(image, by, outside=outside, align_corners=align_corners)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    ways = [torch.autograd.grad(y, (image, by), towards) for y in (ours, theirs)]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


@BOTH
@pytest.mark.parametrize("grid", GRIDS)
def test_values_are_scipys(grid, ordered):
    image, by = noise(1, 1, *grid), smooth_field(*grid, size=4.0)
    where = np.indices(grid) + by[0].numpy()
    theirs = map_coordinates(image[0, 0].numpy(), where, order=1, mode="nearest")
    ours = warp(image, by_voxels=by, ordered=ordered)[0, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@BOTH
@pytest.mark.parametrize("outside", ["edge", "zero"])
@pytest.mark.parametrize("grid", [(3, 4), (2, 2, 2)])
def test_gradients_are_those_of_differences(grid, outside, ordered):
    image = noise(1, 1, *grid).requires_grad_()
    by = (smooth_field(*grid, size=1.7, coarse=3) + 0.03).requires_grad_()

    def warped(image, by):
        return warp(image, by_voxels=by, outside=outside, ordered=ordered)

    assert torch.autograd.gradcheck(warped, (image, by), atol=1e-5, fast_mode=True)


@BOTH
@settings(max_examples=6)
@given(st.integers(-3, 3), st.integers(-3, 3))
def test_whole_voxels_are_a_roll_away_from_the_edge(ordered, down, across):
    image = noise(1, 1, 10, 11)
    by = torch.tensor([down, across]).double().reshape(1, 2, 1, 1).expand(1, 2, 10, 11)
    moved = warp(image, by_voxels=by, ordered=ordered)
    rolled = torch.roll(image, (-down, -across), (2, 3))
    torch.testing.assert_close(moved[..., 3:-3, 3:-3], rolled[..., 3:-3, 3:-3])
    labels = warp_labels(image, by_voxels=by)
    torch.testing.assert_close(labels[..., 3:-3, 3:-3], rolled[..., 3:-3, 3:-3], rtol=0, atol=0)


@pytest.mark.parametrize("outside", ["edge", "zero"])
@pytest.mark.parametrize("grid", GRIDS)
def test_labels_are_those_of_the_nearest_voxel(grid, outside):
    labels = (noise(2, 1, *grid) * 7).floor()
    by = smooth_field(*grid, batch=2, size=4.0)
    theirs = by_grid_sample(labels, by, outside=outside, align_corners=True, mode="nearest")
    assert torch.equal(warp_labels(labels, by_voxels=by, outside=outside), theirs)
    whole = warp_labels(labels.to(torch.uint8), by_voxels=by, outside=outside)
    assert whole.dtype == torch.uint8
    assert torch.equal(whole.double(), theirs)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 9))
def test_both_ways_of_adding_up_agree_and_leave_empty_places_at_zero(seed, many, n):
    values = noise(2, many, seed=seed)
    places = (noise(many, seed=seed + 1) * n).long().clamp(max=n - 1)
    ours = [sum_by_place(values, places=places, n=n, by_sorting=s) for s in (True, False)]
    plain = torch.zeros(2, n, dtype=torch.float64)
    for value, place in zip(values.T, places, strict=True):
        plain[:, place] += value
    for one in ours:
        torch.testing.assert_close(one, plain)


def test_gradients_are_the_same_to_the_bit_at_every_call():
    image = noise(4, 2, 24, 24).float().requires_grad_()
    by = smooth_field(24, 24, batch=4, size=9.0, dtype=torch.float32).requires_grad_()

    def gradients(threads, ordered):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return torch.autograd.grad(
                warp(image, by_voxels=by, ordered=ordered).square().sum(), (image, by)
            )
        finally:
            torch.set_num_threads(before)

    for ordered in (True, False):
        first, second = (gradients(threads, ordered) for threads in (1, 2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@BOTH
def test_an_image_that_asks_for_no_gradient_gets_none(ordered):
    image, by = noise(1, 1, 6, 6), smooth_field(6, 6).requires_grad_()
    warp(image, by_voxels=by, ordered=ordered).sum().backward()
    assert image.grad is None
    assert by.grad is not None


def test_a_field_that_is_nan_does_not_look_like_an_answer():
    by = torch.full((1, 2, 4, 4), torch.nan)
    assert warp(torch.ones(1, 1, 4, 4), by_voxels=by, ordered=True).isnan().all()


def test_what_does_not_fit_is_refused():
    image, by = noise(1, 1, 6, 6), smooth_field(6, 6)
    with pytest.raises(ValueError, match="one of edge, zero"):
        warp(image, by_voxels=by, outside="border")
    with pytest.raises((ValueError, TypeError), match=r"grid must be the same|image"):
        warp(noise(1, 1, 6, 7), by_voxels=by)
    with pytest.raises(ValueError, match="one channel for each axis"):
        warp(image, by_voxels=noise(1, 3, 6, 6))
