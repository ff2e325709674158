"""Photograph crops: splits share no pixel, labels follow the photographs, draws repeat."""

import numpy as np
import pytest

from data_fetch.packaged import IMAGENET_CLASSES
from data_fetch.tasks import photograph_crops
from data_fetch.tasks.photograph_crops import RECOGNISED, living_or_made, recognisable, source_like


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


def test_source_like_shows_many_scenes():
    crops = source_like(60, rng=rng(), size=48).array
    assert crops.shape == (60, 48, 48, 3)
    assert len(np.unique(crops.reshape(60, -1).mean(1).round(3))) == 60
    assert crops.mean(axis=(1, 2, 3)).std() > 20


def test_recognisable_names_classes_that_the_book_can_print():
    assert set().union(*RECOGNISED.values()) <= set(IMAGENET_CLASSES)
    crops, groups, accepted = recognisable(9, rng=rng(), size=64)
    assert crops.array.shape == (9, 64, 64, 3)
    assert groups.max() < len(accepted) == 4
    assert np.array_equal(crops.array, recognisable(9, rng=rng(), size=64)[0].array)


def test_errors_teach():
    with pytest.raises(ValueError, match="choose 'train', 'validation', 'test'"):
        living_or_made(4, split="all", rng=rng())
    with pytest.raises(ValueError, match="outside its range"):
        living_or_made(1, split="train", rng=rng())
    with pytest.raises(ValueError, match="outside its range"):
        source_like(4, rng=rng(), size=8)
