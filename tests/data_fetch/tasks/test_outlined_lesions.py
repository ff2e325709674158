"""Outlines lie on the lesions, both classes have one size, and the speck knows neither."""

import numpy as np
import pytest

from data_fetch.tasks.outlined_lesions import outlined_lesions


def drawn(n=60, seed=0, **options):
    return outlined_lesions(n, split="train", rng=np.random.default_rng(seed), **options)


def test_a_lesion_is_darker_inside_and_a_speck_brighter():
    many = drawn(contrast=0.8, noise_sd=0.0)
    images = many.sample.array
    plain = ~many.lesions & ~many.specks
    inside = np.array(
        [image[mask].mean() for image, mask in zip(images, many.lesions, strict=True)]
    )
    bright = np.array(
        [image[m & ~o].mean() if (m & ~o).any() else np.nan
         for image, m, o in zip(images, many.specks, many.lesions, strict=True)]
    )  # fmt: skip
    around = np.array([image[mask].mean() for image, mask in zip(images, plain, strict=True)])
    assert (inside < 0.9 * around).all()
    assert np.nanmean(bright / around) > 1.1


def test_area_does_not_tell_the_class_and_neither_does_the_speck():
    many = drawn(400)
    area = many.lesions.sum(axis=(1, 2))
    speck = many.specks.sum(axis=(1, 2))
    for values in (area, speck):
        dots, streaks = values[many.labels == 1], values[many.labels == 0]
        error = np.hypot(dots.std() / np.sqrt(len(dots)), streaks.std() / np.sqrt(len(streaks)))
        assert abs(dots.mean() - streaks.mean()) < 4 * error


def test_a_speck_marks_as_many_pixels_as_a_lesion():
    many = drawn(400)
    lesion, speck = (mask.sum(axis=(1, 2)) for mask in (many.lesions, many.specks))
    error = (lesion - speck).std() / np.sqrt(len(lesion))
    assert abs(lesion.mean() - speck.mean()) < 4 * error < 0.1 * lesion.mean()


def test_streaks_are_longer_than_dots():
    many = drawn(80)

    def length(mask):
        at = np.argwhere(mask)
        return np.linalg.eigvalsh(np.cov(at.T))[-1] if len(at) > 2 else 0.0

    lengths = np.array([length(mask) for mask in many.lesions])
    assert lengths[many.labels == 0].min() > lengths[many.labels == 1].mean()


def test_the_same_stream_gives_the_same_bytes_and_splits_differ():
    assert drawn().sample.sha256 == drawn().sample.sha256
    test = outlined_lesions(60, split="test", rng=np.random.default_rng(0))
    assert test.sample.sha256 != drawn().sample.sha256


@pytest.mark.parametrize(
    "bad", [{"split": "all"}, {"n": 1}, {"size": 20}, {"contrast": 0.0}, {"noise_sd": -1.0}]
)
def test_what_is_out_of_range_is_refused(bad):
    options = {"n": 4, "split": "test", "rng": np.random.default_rng(0)} | bad
    with pytest.raises(ValueError, match=r"choose \"train\"|outside its range"):
        outlined_lesions(options.pop("n"), **options)
