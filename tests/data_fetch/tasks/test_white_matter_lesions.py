"""Slices with lesions: the mask marks them, and little else tells where they are."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

from data_fetch.tasks.white_matter_lesions import (
    MOST_LESIONS,
    PIXEL_MM,
    LesionLook,
    white_matter_lesions,
)


def draw(n, seed=0, **options):
    return white_matter_lesions(n, rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def many():
    return draw(120)


def test_lesions_are_brighter_than_what_lies_around_them(many):
    images, masks = many.sample.array, many.masks
    for image, mask in zip(images, masks, strict=True):
        if mask.sum() > 12:
            ring = binary_dilation(mask, iterations=4) & ~binary_dilation(mask, iterations=2)
            assert image[mask].mean() > image[ring].mean()


def test_some_slices_are_empty_and_none_is_crowded(many):
    counts = np.array([label(mask)[1] for mask in many.masks])
    assert 0.1 < (counts == 0).mean() < 0.32
    assert counts.max() <= MOST_LESIONS
    assert 0.0005 < many.masks.mean() < 0.005


def test_sizes_are_those_asked_for():
    look = LesionLook(radius_mm=(6.0, 6.0), wobble=0.0)
    masks = draw(40, empty_share=0.0, look=look).masks
    single = [mask.sum() for mask in masks if label(mask)[1] == 1]
    assert np.median(single) * PIXEL_MM**2 == pytest.approx(np.pi * 36, rel=0.15)


def test_a_lesion_without_brightness_cannot_be_seen():
    drawn = draw(60, empty_share=0.0, look=LesionLook(brightness=(0.0, 0.0), radius_mm=(4, 6)))
    shown = draw(60, empty_share=0.0, look=LesionLook(brightness=(0.5, 0.5), radius_mm=(4, 6)))
    np.testing.assert_array_equal(drawn.masks, shown.masks)
    apart = shown.sample.array - drawn.sample.array
    assert apart[shown.masks].min() > 0
    assert np.abs(apart[~binary_dilation(shown.masks, iterations=1)]).max() < 0.3
    assert apart[shown.masks].mean() > 0.1


def test_slice_i_does_not_depend_on_how_many_there_are(many):
    np.testing.assert_array_equal(draw(3).sample.array, many.sample.array[:3])


def test_brains_differ(many):
    sizes = (many.sample.array > 0.3).sum(axis=(1, 2))
    assert sizes.std() / sizes.mean() > 0.05


def test_what_is_outside_the_brain_is_dark(many):
    assert np.median(many.sample.array[:, :8]) < 0.05
    assert not many.masks[:, :4].any()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"empty_share": 1.5}, "empty_share=1.5"),
        ({"noise_sd": -1.0}, "noise_sd=-1.0"),
        ({"bias": 0.9}, "bias=0.9"),
        ({"look": LesionLook(radius_mm=(3.0, 1.0))}, "must rise"),
        ({"look": LesionLook(edge_mm=0.0)}, "edge_mm=0.0"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        draw(1, **wrong)


def test_none_is_too_few():
    with pytest.raises(ValueError, match="n=0"):
        draw(0)
