"""Peaks lie where the maps are highest, and the crop shows what the unit sees."""

import numpy as np
import pytest
import torch

from medlib.nets.efficientnet_lite import DEPTHS, preprocess
from medlib.translation.seeing.strongest_crops import crop_around, strongest_answers


@pytest.fixture(scope="module")
def dotted():
    """Grey images with one white dot each, at different places."""
    images = np.full((3, 96, 128, 3), 120, dtype=np.uint8)
    for image, (row, column) in zip(images, ((30, 40), (60, 100), (48, 64)), strict=True):
        image[row - 1 : row + 2, column - 1 : column + 2] = 255
    return images


def test_peaks_are_the_maps_maxima(imagenet, dotted):
    x = preprocess(dotted)
    found = strongest_answers(imagenet, x, batch_size=2)
    with torch.no_grad():
        maps = dict(zip(DEPTHS, imagenet.depths(x), strict=True))
    for depth in ("stem", "stage4", "head"):
        peaks, true = found[depth], maps[depth].numpy()
        np.testing.assert_allclose(peaks.value, true.max((2, 3)), atol=1e-4)
        np.testing.assert_allclose(peaks.mean, true.mean((0, 2, 3), dtype=np.float64), atol=1e-4)
        image, channel = 1, 5
        row, column = peaks.unit[image, channel]
        assert true[image, channel, row, column] == pytest.approx(
            true[image, channel].max(), abs=1e-4
        )
        order = peaks.best_images(channel, k=3)
        assert sorted(order) == [0, 1, 2]
        assert np.all(np.diff(peaks.value[order, channel]) <= 0)


def test_a_dot_is_found_where_it_was_drawn(imagenet, dotted):
    found = strongest_answers(imagenet, preprocess(dotted))["stage2"]
    # the channel that is moved most by the dot, in each image
    channel = int((found.value.mean(0) - found.mean).argmax())
    for image, (row, column) in enumerate(((30, 40), (60, 100), (48, 64))):
        at = found.centre_px(image, channel)
        assert np.hypot(at[0] - row, at[1] - column) < found.field.size_px / 2
        crop = crop_around(dotted[image], centre_px=at, side=found.field.size_px)
        assert crop.max() == 255


def test_crops_stay_inside():
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    np.testing.assert_array_equal(crop_around(image, centre_px=(-9.0, 99.0), side=4), image[:4, 4:])
    np.testing.assert_array_equal(crop_around(image, centre_px=(2.0, 3.0), side=3), image[1:4, 2:5])
    with pytest.raises(ValueError, match="side=7; the image is 6 x 8"):
        crop_around(image, centre_px=(3.0, 3.0), side=7)


def test_sides_must_fit_the_strides(imagenet):
    with pytest.raises(ValueError, match="32 must divide"):
        strongest_answers(imagenet, torch.zeros(1, 3, 64, 70))
