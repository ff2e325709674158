"""Distances in millimetres, held against MONAI's."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.scoring.surfaces import surface_distances


def blob(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return noise > np.quantile(noise, 0.85)


CASES = [((40, 30), (0.7, 2.0)), ((20, 24, 10), (1.0, 0.8, 5.0))]


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call
@pytest.mark.parametrize(("shape", "spacing"), CASES)
def test_distances_are_those_of_monai(shape, spacing):
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    for seed in range(4):
        a, b = blob(seed, shape), blob(seed + 100, shape)
        ours = surface_distances(a, b, spacing_mm=spacing)
        x, y = (torch.from_numpy(m[None, None].astype(np.float32)) for m in (a, b))
        both = {"include_background": True, "spacing": list(spacing)}
        theirs = compute_hausdorff_distance(x, y, percentile=95, **both)
        assert ours.hausdorff_mm() == pytest.approx(float(theirs), rel=1e-5)
        for tolerance in (1.0, 2.0, 3.5):
            share = compute_surface_dice(x, y, class_thresholds=[tolerance], **both)
            assert ours.within(tolerance) == pytest.approx(float(share), abs=1e-6)


def test_a_shift_is_as_long_as_the_pixels_are():
    square = np.zeros((20, 20), bool)
    square[5:12, 5:12] = True
    for axis, spacing in enumerate((3.0, 0.5)):
        moved = np.roll(square, 2, axis=axis)
        found = surface_distances(moved, square, spacing_mm=(3.0, 0.5))
        assert found.hausdorff_mm(percentile=100) == pytest.approx(2 * spacing)


def test_a_mask_that_leaves_the_image_ends_there():
    truth = np.zeros((8, 8), bool)
    truth[:, :3] = True
    assert len(surface_distances(truth, truth, spacing_mm=(1, 1)).to_truth) == 8 * 3 - 6


def test_the_price_of_an_empty_mask_is_the_callers():
    truth, nothing = blob(1, (20, 20)), np.zeros((20, 20), bool)
    missed = surface_distances(nothing, truth, spacing_mm=(1, 1))
    assert np.isnan(missed.hausdorff_mm())
    assert missed.hausdorff_mm(one_empty=28.0) == 28.0
    assert missed.within(1.0) == 0.0
    agreed = surface_distances(nothing, nothing, spacing_mm=(1, 1))
    assert agreed.hausdorff_mm(one_empty=28.0, both_empty=0.0) == 0.0
    assert np.isnan(agreed.within(1.0))


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, np.nan), (1.0, -2.0)])
def test_bad_spacings_are_refused(spacing):
    with pytest.raises(ValueError, match="2 positive numbers"):
        surface_distances(np.zeros((2, 2), bool), np.zeros((2, 2), bool), spacing_mm=spacing)


def test_other_shapes_and_tolerances_are_refused():
    one = np.ones((2, 2), bool)
    with pytest.raises(ValueError, match="differ in shape"):
        surface_distances(one, np.ones((2, 3), bool), spacing_mm=(1, 1))
    with pytest.raises(ValueError, match="tolerance_mm = -1"):
        surface_distances(one, one, spacing_mm=(1, 1)).within(-1)
