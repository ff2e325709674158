"""Measures of agreement: equal to SciPy's and MONAI's, and unmoved by what must not matter."""

import inspect

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from medlib.pixels.maps.attribution import Attribution, upsample
from medlib.pixels.maps.map_agreement import (
    block_mean,
    iou_at_equal_area,
    pointing_game,
    rank_correlation,
    rank_correlation_elsewhere,
)

whole = st.integers(-4, 4).map(float)  # few values, so that ties are common
maps = arrays(np.float64, (2, 3, 4), elements=whole)
regions = arrays(np.bool_, (2, 3, 4))


@given(maps, maps)
def test_rank_correlation_equals_scipys(a, b):
    ours = rank_correlation(a, b)
    for rho, x, y in zip(ours, a, b, strict=True):
        if np.ptp(x) and np.ptp(y):
            assert rho == pytest.approx(scipy.stats.spearmanr(x.ravel(), y.ravel())[0], abs=1e-12)
        else:
            assert rho == 0


@given(maps, maps, regions)
def test_a_rising_change_of_scale_moves_no_measure(a, b, region):
    stretched = np.exp(a) * 3 - 1
    np.testing.assert_allclose(rank_correlation(stretched, b), rank_correlation(a, b), atol=1e-12)
    np.testing.assert_array_equal(pointing_game(stretched, region), pointing_game(a, region))
    np.testing.assert_array_equal(
        iou_at_equal_area(stretched, region), iou_at_equal_area(a, region)
    )


@given(regions)
def test_the_truth_itself_agrees_with_the_truth(region):
    iou = iou_at_equal_area(region.astype(float), region)
    filled = region.any(axis=(1, 2))
    assert (iou[filled] == 1).all()
    assert np.isnan(iou[~filled]).all()
    assert (pointing_game(region.astype(float), region)[filled] == 1).all()


@given(regions)
def test_an_empty_map_points_at_chance(region):
    hit = pointing_game(np.zeros(region.shape), region)
    np.testing.assert_allclose(hit, region.mean(axis=(1, 2)))


def test_iou_equals_monais_without_ties():
    from monai.metrics import compute_iou

    rng = np.random.default_rng(0)
    values, region = rng.random((5, 6, 6)), rng.random((5, 6, 6)) < 0.3
    chosen = np.zeros_like(region)
    for index in range(5):
        highest = np.argsort(values[index].ravel())[-region[index].sum() :]
        chosen[index].ravel()[highest] = True
    expected = compute_iou(*(torch.tensor(m[:, None]) for m in (chosen, region)))[:, 0]
    np.testing.assert_allclose(iou_at_equal_area(values, region), expected, rtol=1e-6)


def test_ties_count_by_their_share():
    values = np.array([[[2.0, 1.0], [1.0, 0.0]]])
    region = np.array([[[True, True], [False, False]]])  # one sure hit, one of two tied places
    assert iou_at_equal_area(values, region)[0] == pytest.approx(1.5 / (4 - 1.5))


def test_block_mean_keeps_the_mean_and_refuses_what_does_not_divide():
    rng = np.random.default_rng(0)
    truth = rng.random((2, 12, 12))
    np.testing.assert_allclose(block_mean(truth, grid=4).mean((1, 2)), truth.mean((1, 2)))
    with pytest.raises(ValueError, match="do not divide"):
        block_mean(truth, grid=5)


def test_different_grids_are_refused():
    with pytest.raises(ValueError, match="one grid first"):
        inspect.unwrap(rank_correlation)(np.zeros((1, 2, 2)), np.zeros((1, 4, 4)))


def test_upsampling_equals_monais():
    from monai.visualize.visualizer import default_upsampler

    small = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = default_upsampler((12, 12), align_corners=False)(small[:, None])[:, 0]
    torch.testing.assert_close(upsample(small, size=12), expected)


def test_an_attribution_has_one_score_a_map():
    with pytest.raises((ValueError, TypeError)):  # TypeError: the shape checker's, in tests
        Attribution(torch.zeros(2, 1, 1), True, torch.zeros(3), torch.zeros(2, dtype=torch.int64))


def test_a_map_is_held_against_the_tissue_of_other_patients_only():
    rng = np.random.default_rng(3)
    found_in, truth = rng.random((6, 4, 4)), rng.random((6, 4, 4))
    patients = np.array(["a", "a", "b", "b", "b", "c"])
    found = rank_correlation_elsewhere(found_in, truth, patients=patients)
    for n, own in enumerate(patients):
        rhos = [
            scipy.stats.spearmanr(found_in[n].ravel(), t.ravel())[0] for t in truth[patients != own]
        ]
        assert found[n] == pytest.approx(np.abs(rhos).mean())


def test_smooth_maps_agree_by_chance_more_than_rough_ones():
    rng = np.random.default_rng(4)
    patients = np.arange(200)
    truth, rough = rng.standard_normal((2, 200, 4, 4))
    smooth = [gaussian_filter(values, (0, 1, 1)) for values in (truth, rough)]
    of_rough = rank_correlation_elsewhere(rough, smooth[0], patients=patients).mean()
    of_smooth = rank_correlation_elsewhere(smooth[1], smooth[0], patients=patients).mean()
    assert of_smooth > of_rough + 0.1


def test_one_patient_has_no_others():
    some = np.random.default_rng(5).random((3, 2, 2))
    with pytest.raises(ValueError, match="all images are of one patient; another is needed"):
        rank_correlation_elsewhere(some, some, patients=np.zeros(3))
