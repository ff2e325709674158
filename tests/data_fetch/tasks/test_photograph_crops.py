"""Photograph crops: splits share no pixel, labels follow the photographs, draws repeat."""

from dataclasses import replace

import numpy as np
import pytest

from data_fetch.packaged import IMAGENET_CLASSES, photograph, photograph_names
from data_fetch.tasks import photograph_crops
from data_fetch.tasks.photograph_crops import (
    ACCEPTED,
    RECOGNISED,
    living_or_made,
    recognisable,
    source_like,
    which_photograph,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def coded_photographs(monkeypatch):
    """Let each photograph's red be its number and its green the sixth of its width."""
    names = (*photograph_crops._LIVING, *photograph_crops._MADE)

    class Coded:
        def __init__(self, name):
            self.array = np.zeros((300, 600, 3), dtype=np.uint8)
            self.array[..., 0] = 10 * (1 + names.index(name))
            self.array[..., 1] = 10 * (np.arange(600) // 100)

    monkeypatch.setattr(photograph_crops, "photograph", Coded)
    return names


@pytest.mark.parametrize(("split", "sixths"), [("train", 0), ("validation", 1), ("test", 2)])
def test_splits_take_their_own_strips_and_labels_follow_the_scene(monkeypatch, split, sixths):
    names = coded_photographs(monkeypatch)
    crops, labels = living_or_made(80, split=split, rng=rng(), size=48)
    scenes = np.rint(crops.array[:, 0, 0, 0] / 10).astype(int) - 1
    assert set(scenes) == set(range(6))
    made = [names[scene] in ("brick", "china", "coffee") for scene in scenes]
    assert labels.tolist() == [int(m) for m in made]
    strips = crops.array[..., 1] / 10
    assert set(np.unique(strips)) == {sixths, sixths + 3}
    assert np.ptp(strips, axis=(1, 2)).max() == 0


def test_labels_are_balanced_and_draws_repeat():
    first, labels = living_or_made(20, split="train", rng=rng(3), size=48)
    again, same = living_or_made(20, split="train", rng=rng(3), size=48)
    other, _ = living_or_made(20, split="train", rng=rng(4), size=48)
    assert np.array_equal(first.array, again.array)
    assert np.array_equal(labels, same)
    assert first.sha256 == again.sha256 != other.sha256
    assert labels.sum() == 10


def test_half_of_all_crops_are_mirrored_and_none_stands_on_its_head(monkeypatch):
    """On a photograph whose red grows to the right and whose green grows downwards."""
    ramp = np.zeros((300, 600, 3), dtype=np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 600)
    ramp[..., 1] = np.linspace(0, 255, 300)[:, None]

    class Ramp:
        array = ramp

    monkeypatch.setattr(photograph_crops, "photograph", lambda name: Ramp)
    made = (
        living_or_made(200, split="train", rng=rng(), size=32).sample,
        source_like(200, rng=rng(), size=32),
        recognisable(200, rng=rng(), size=32).sample,
    )
    for crops in made:
        values = crops.array.astype(int)
        to_the_left = values[:, 0, 0, 0] > values[:, 0, -1, 0]
        assert 0.35 < to_the_left.mean() < 0.65  # 4 standard errors of 200
        assert (values[:, 0, 0, 1] < values[:, -1, 0, 1]).all()


def test_source_like_shows_many_scenes():
    crops = source_like(60, rng=rng(), size=48).array
    assert crops.shape == (60, 48, 48, 3)
    assert len(np.unique(crops.reshape(60, -1).mean(1).round(3))) == 60
    assert crops.mean(axis=(1, 2, 3)).std() > 20


def test_recognisable_names_classes_that_the_book_can_print():
    assert set().union(*RECOGNISED.values()) <= set(IMAGENET_CLASSES)
    crops, groups = known = recognisable(9, rng=rng(), size=64)
    assert crops.array.shape == (9, 64, 64, 3)
    assert groups.max() < len(ACCEPTED) == len(known.names) == 4
    again = recognisable(9, rng=rng(), size=64)
    assert np.array_equal(crops.array, again.sample.array)


def test_errors_teach():
    with pytest.raises(ValueError, match="choose 'train', 'validation', 'test'"):
        living_or_made(4, split="all", rng=rng())
    with pytest.raises(ValueError, match="outside its range"):
        living_or_made(1, split="train", rng=rng())
    with pytest.raises(ValueError, match="outside its range"):
        source_like(4, rng=rng(), size=8)


def test_which_photograph_is_grey_even_and_repeatable():
    crops, labels = which_photograph(56, split="train", rng=np.random.default_rng(3))
    again, _ = which_photograph(56, split="train", rng=np.random.default_rng(3))
    np.testing.assert_array_equal(crops.array, again.array)
    assert np.bincount(labels).tolist() == [4] * len(photograph_names())
    assert (crops.array == crops.array[..., :1]).all()
    textured = np.isin(labels, [photograph_names().index(n) for n in ("grass", "gravel", "brick")])
    means = crops.array[textured].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, 127, atol=4)


def test_halves_do_not_meet(monkeypatch):
    # upright stripes on the left of every photograph, level ones on the right
    stripes = np.tile(np.uint8([0, 0, 200, 200]), 32)
    picture = np.concatenate([np.tile(stripes, (128, 1)), np.tile(stripes[:, None], (1, 128))], 1)
    picture = np.repeat(picture[..., None], 3, axis=2)
    striped = replace(photograph("brick"), array=picture)
    monkeypatch.setattr(photograph_crops, "photograph", lambda name: striped)
    for split, across, along in (("train", 2, 1), ("test", 1, 2)):
        crops, _ = which_photograph(28, split=split, rng=np.random.default_rng(4), size=32)
        changes = crops.array[..., 0].astype(float)
        assert np.ptp(changes, axis=across).min() > 50
        assert np.ptp(changes, axis=along).max() <= 1


def test_wrong_requests_for_a_photograph_are_refused():
    with pytest.raises(ValueError, match='choose "train" or "test"'):
        which_photograph(28, split="validation", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="14 photographs"):
        which_photograph(5, split="test", rng=np.random.default_rng(0))
